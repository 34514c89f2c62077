"""Does a simulated deployment hold the SLA? Judged as a real run is: by the share of requests over each limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loadtest.capacity.simulation import GiveUp, Simulated
from loadtest.early_stopping import allowed_over, allowed_share
from loadtest.results import Target


@dataclass(frozen=True, kw_only=True)
class SimulatedVerdict:
    """What the simulated samples say of the targets."""

    holds: bool
    percentiles_ms: dict[str, float]
    """By target name; infinite where refused requests make up that share."""
    count: int


def give_ups(targets: Sequence[Target], requests: int) -> tuple[GiveUp, ...]:
    """Return when a simulation of that many requests cannot hold the targets any more.

    A little behind the verdict's own limit, so that a run which is only just over still ends with its percentiles.
    """
    return tuple(
        GiveUp(limit_ms=target.limit_ms, allowed=int(2 * requests * allowed_share(target.percentile)) + 1)
        for target in targets
    )


def judge_simulation(
    simulated: Simulated, targets: Sequence[Target], *, samples_of_a_run: int | None = None
) -> SimulatedVerdict:
    """Apply the rule of `run`: few enough requests over the limit that the percentile is below it with 99 % confidence.

    Refused requests are over every limit.

    Args:
        simulated: What is judged.
        targets: The SLA.
        samples_of_a_run: To predict the verdict of a run of so many requests: with fewer samples the rule is stricter.
            None judges the simulation by its own.
    """
    latencies, count = simulated.latencies_ms, simulated.count
    all_latencies = np.concatenate([latencies, np.full(simulated.refused, np.inf)])
    judged = samples_of_a_run or count
    holds = not simulated.gave_up
    percentiles = {}
    for target in targets:
        allowed = allowed_over(count=judged, percentile=target.percentile) if judged else None
        over = int((latencies > target.limit_ms).sum()) + simulated.refused
        holds = holds and allowed is not None and over * judged <= allowed * count
        percentiles[target.name] = (
            float(np.percentile(all_latencies, target.percentile, method="higher")) if count else float("nan")
        )
    return SimulatedVerdict(holds=holds, percentiles_ms=percentiles, count=count)
