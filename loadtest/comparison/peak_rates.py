"""Compare the peak rates of two searches, each known as well as its search was fine."""

from __future__ import annotations

import math

from loadtest.comparison.block_bootstrap import Interval
from loadtest.comparison.metric import MetricComparison, judge
from loadtest.results import RunResult


def compare_peaks(before: RunResult, after: RunResult, max_regression: float) -> list[MetricComparison]:
    """Return the peak rates: each lies between the highest rate that passed and the lowest above it that did not."""
    first, second = _bracket(before), _bracket(after)
    difference = relative = None
    if first and second:
        difference = Interval(value=second[0] - first[0], low=second[0] - first[1], high=second[1] - first[0])
        relative = Interval(value=second[0] / first[0] - 1, low=second[0] / first[1] - 1, high=second[1] / first[0] - 1)
    return [
        MetricComparison(
            name="peak rate",
            unit="/s",
            before=first[0] if first else math.nan,
            after=second[0] if second else math.nan,
            difference=difference,
            relative=relative,
            is_judged=True,
            conclusion=judge(relative, max_regression, larger_is_worse=False) if relative else "INCONCLUSIVE",
        )
    ]


def _bracket(result: RunResult) -> tuple[float, float] | None:
    if result.rate_per_s is None or not result.sweep:
        return None
    failed = [
        step.rate_per_s for step in result.sweep if step.rate_per_s > result.rate_per_s and step.verdict != "PASS"
    ]
    return result.rate_per_s, min(failed, default=math.inf)
