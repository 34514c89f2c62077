"""One figure of two runs, and what its interval shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loadtest.comparison.block_bootstrap import Interval

Conclusion = Literal["NO_REGRESSION", "REGRESSION", "INCONCLUSIVE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricComparison:
    """One figure of both runs.

    Attributes:
        name: e.g. `p99`.
        unit: e.g. `ms`.
        before: of run A.
        after: of run B.
        difference: B - A, with its interval; None where there are too few blocks.
        relative: the same as a share of A.
        is_judged: whether it counts for the conclusion.
        conclusion: of this figure alone; None where it is not judged.
    """

    name: str
    unit: str
    before: float
    after: float
    difference: Interval | None
    relative: Interval | None
    is_judged: bool
    conclusion: Conclusion | None


def judge(change: Interval, allowed: float, *, larger_is_worse: bool) -> Conclusion:
    """Say what the interval of a change shows, where so much of a change to the worse is allowed."""
    best, worst = (change.low, change.high) if larger_is_worse else (-change.high, -change.low)
    if best > allowed:
        return "REGRESSION"
    return "NO_REGRESSION" if worst <= allowed else "INCONCLUSIVE"
