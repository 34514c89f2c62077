"""What counts for the verdict: the judged requests of a run, nothing of warm-up, cool-down and unjudged stretches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtest.open_loop.samples import Samples, Stopped
from loadtest.results import Target

# A request that was sent later than this is late; more than LATE_SHARE of them make a run generator-limited.
MAX_LAG_MS = 1.0
LATE_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the load whose requests are judged, in seconds since its start."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The judged requests.

    Attributes:
        latencies_ms: ascending; infinity for each that failed or was not sent: it never came, which is over any limit.
        failed: how many of them failed.
        not_sent: how many of them the generator could not send.
        late: how many of them were sent too late or not at all.
        max_lag_ms: what too late means.
        lag_p99_ms: the generator's lag; None without a request.
        judged_s: length of the judged stretches, as far as the load got.
        first_error: (kind, message) of the first failed request, of the whole load where none of the judged ones
            failed or the load stopped for want of answers; None where none failed at all.
        first_error_at_s: when that one was due, in seconds since the start of the load.
        stopped: why the load stopped early.
        unreachable: (kind, message) where it never began.
    """

    latencies_ms: NDArray[np.float64]
    failed: int
    not_sent: int
    late: int
    max_lag_ms: float
    lag_p99_ms: float | None
    judged_s: float
    first_error: tuple[str, str] | None
    first_error_at_s: float | None
    stopped: Stopped | None
    unreachable: tuple[str, str] | None

    @property
    def count(self) -> int:
        """How many requests are judged."""
        return len(self.latencies_ms)

    @property
    def rate_per_s(self) -> float:
        """Judged requests per second: what was really offered."""
        return self.count / self.judged_s if self.judged_s > 0 else 0.0

    def over(self, target: Target) -> int:
        """Return how many are above a limit."""
        return self.count - int(np.searchsorted(self.latencies_ms, target.limit_ms, side="right"))


def is_judged(samples: Samples, spans: Sequence[Span], sla: Sequence[Target]) -> NDArray[np.bool_]:
    """Return which requests count.

    A request that was on its way when the run was ended by hand counts only if it was already over every limit:
    otherwise nobody knows what it would have become.
    """
    due_s = samples.scheduled_s
    judged = np.zeros(len(due_s), dtype=np.bool_)
    for span in spans:
        judged |= (due_s >= span.start_s) & (due_s < span.end_s)
    judged &= due_s < samples.stopped_at_s
    highest_limit_ms = max((target.limit_ms for target in sla), default=np.inf)
    is_surely_over = (samples.ended_at_s - due_s) * 1e3 > highest_limit_ms
    judged &= ~samples.is_pending | is_surely_over
    return judged


def gather(samples: Samples, *, spans: Sequence[Span], sla: Sequence[Target], max_lag_ms: float) -> Evidence:
    """Return the evidence of a run."""
    judged = is_judged(samples, spans, sla)
    is_failed, is_not_sent = samples.is_failed, samples.is_not_sent
    # Of a request that still waits to be sent when the generator stops, the lag is unknown and surely too long.
    lag_ms = np.nan_to_num(samples.lag_ms, nan=np.inf)[judged]
    latencies_ms = np.where(samples.is_answered, samples.latency_ms, np.inf)[judged]
    candidates = np.flatnonzero(judged & is_failed)
    if not len(candidates) or samples.stopped == "no_answers":
        # What ended the service matters more than what became of the window.
        candidates = np.flatnonzero(is_failed)
    first = int(candidates[0]) if len(candidates) else None
    return Evidence(
        latencies_ms=np.sort(latencies_ms),
        failed=int((judged & is_failed).sum()),
        not_sent=int((judged & is_not_sent).sum()),
        late=int(((lag_ms > max_lag_ms) | is_not_sent[judged]).sum()),
        max_lag_ms=max_lag_ms,
        lag_p99_ms=float(np.percentile(lag_ms, 99, method="higher")) if len(lag_ms) else None,
        judged_s=sum(max(0.0, min(span.end_s, samples.stopped_at_s) - span.start_s) for span in spans),
        first_error=None if first is None else samples.errors.get(int(samples.outcome[first])),
        first_error_at_s=None if first is None else float(samples.scheduled_s[first]),
        stopped=samples.stopped,
        unreachable=samples.unreachable,
    )
