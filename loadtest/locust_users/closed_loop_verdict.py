"""The verdict of a Locust test, by the same rules as that of the open loop, with what a closed loop adds to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loadtest.evidence import MAX_LAG_MS, Evidence
from loadtest.locust_users.exact_latencies import ExactLatencies
from loadtest.results import VERDICT_CODES, Target, Verdict
from loadtest.verdict import decide

CAVEAT = (
    "closed loop: a user who waits for an answer sends nothing meanwhile, so a slow server is asked less, and these "
    "latencies look better than those of callers who come whenever they want. `python -m loadtest run` measures those."
)

# Users that wait send less than the profile wants. Beyond this share the test did not ask what it claims to.
SHORTFALL_SHARE = 0.05


def decide_closed_loop(
    latencies: ExactLatencies,
    *,
    sla: Sequence[Target],
    max_error_rate: float,
    judged_s: float,
    asked_for: float | None,
) -> Verdict:
    """Return the verdict.

    Args:
        latencies: of all processes.
        sla: limits on percentiles, at least one.
        max_error_rate: share of the requests that may fail.
        judged_s: length of what is judged.
        asked_for: how many requests the profile wanted in it; None without a profile.
    """
    answered, failed = latencies.answered, latencies.failed
    first = min(latencies.errors.items(), key=lambda item: item[1].first_at_s, default=None)
    evidence = Evidence(
        latencies_ms=np.concatenate([latencies.milliseconds(), np.full(failed, np.inf)]),
        failed=failed,
        not_sent=0,
        late=0,
        max_lag_ms=MAX_LAG_MS,
        lag_p99_ms=None,
        judged_s=judged_s,
        first_error=None if first is None else (first[0], first[1].message),
        first_error_at_s=None if first is None else first[1].first_at_s,
        stopped=None,
        unreachable=None,
    )
    verdict = decide(evidence, sla=sla, max_error_rate=max_error_rate)
    sent = answered + failed
    if verdict.name in ("PASS", "INCONCLUSIVE") and asked_for and sent < (1 - SHORTFALL_SHARE) * asked_for:
        return Verdict(
            code=VERDICT_CODES["GENERATOR_LIMITED"],
            name="GENERATOR_LIMITED",
            line=(
                f"GENERATOR_LIMITED: {sent:,} of {asked_for:,.0f} requests were sent ({sent / asked_for:.1%}): users "
                "were waiting for answers, or this machine is too slow. Use a lower --per-user-rate (more users), more "
                "workers, or the open loop."
            ),
            details=verdict.details,
        )
    return verdict
