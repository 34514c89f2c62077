"""Compare two runs and conclude."""

from __future__ import annotations

import math
from dataclasses import dataclass

from loadtest.comparison.block_bootstrap import (
    CONFIDENCE,
    FEWEST_BLOCKS,
    Statistic,
    answered_share,
    block_tables,
    difference_intervals,
    mean,
    percentile,
    resample,
    throughput,
)
from loadtest.comparison.differing_setups import differences, reasons_not_comparable
from loadtest.comparison.metric import Conclusion, MetricComparison, judge
from loadtest.comparison.peak_rates import compare_peaks
from loadtest.results import RunResult

CONCLUSION_CODES: dict[Conclusion, int] = {"NO_REGRESSION": 0, "REGRESSION": 1, "INCONCLUSIVE": 2}

# Judged beside those that the SLAs name, where they name none.
DEFAULT_PERCENTILES = (50.0, 99.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs side by side.

    Attributes:
        before: run A.
        after: run B.
        max_regression: how much worse B may be, as a share.
        metrics: what was compared.
        not_comparable: why nothing was concluded from the latencies, if so.
        warnings: what else differs.
        conclusion: overall: the worst of the judged ones.
        line: that in one sentence.
    """

    before: RunResult
    after: RunResult
    max_regression: float
    metrics: tuple[MetricComparison, ...]
    not_comparable: tuple[str, ...]
    warnings: tuple[str, ...]
    conclusion: Conclusion
    line: str

    @property
    def exit_code(self) -> int:
        """0 no regression, 1 regression, 2 neither could be shown."""
        return CONCLUSION_CODES[self.conclusion]


def compare_runs(before: RunResult, after: RunResult, *, max_regression: float = 0.05) -> Comparison:
    """Compare run B with run A.

    A judged figure is a regression when its whole interval is worse than `max_regression`, none when its whole interval
    is better than that, and inconclusive when the interval holds it. Judged are the percentiles that either SLA names
    (else p50 and p99), the mean, and the share of requests that were answered, which may be lower in B by its
    `max_error_rate` and no more. Throughput is shown and not judged: in an open loop it is what was asked for. Of two
    searches for the peak, the peak rates are judged instead.

    Args:
        before: run A.
        after: run B.
        max_regression: how much slower B may be, as a share of A, 0 or more.
    """
    not_comparable = reasons_not_comparable(before, after)
    if before.command == after.command == "find-peak":
        metrics = compare_peaks(before, after, max_regression)
    else:
        metrics = _latency_metrics(before, after, max_regression)
    warnings = [*_doubts(before, "A"), *_doubts(after, "B"), *differences(before, after)]
    conclusion, line = _conclude(before, after, metrics, not_comparable, max_regression)
    return Comparison(
        before=before,
        after=after,
        max_regression=max_regression,
        metrics=tuple(metrics),
        not_comparable=tuple(not_comparable),
        warnings=tuple(warnings),
        conclusion=conclusion,
        line=line,
    )


def _latency_metrics(before: RunResult, after: RunResult, max_regression: float) -> list[MetricComparison]:
    percentiles = sorted({target.percentile for target in (*before.sla, *after.sla)} or DEFAULT_PERCENTILES)
    wanted: list[tuple[str, str, Statistic, bool]] = [
        *((f"p{one:g}", "ms", percentile(one), True) for one in percentiles),
        ("mean", "ms", mean, True),
        ("answered", "share", answered_share, True),
        ("throughput", "/s", throughput, False),
    ]
    tables = block_tables((before.blocks, after.blocks))
    is_enough = min(len(before.blocks), len(after.blocks)) >= FEWEST_BLOCKS and all(
        table.counts.sum() > 0 for table in tables
    )
    # Different seeds: the same stretches of both runs, drawn together, would hide how much they vary.
    resamples = [resample(table, seed=seed) for seed, table in enumerate(tables)] if is_enough else None
    metrics = []
    for name, unit, statistic, is_judged in wanted:
        absolute = relative = None
        if resamples:
            absolute, relative = difference_intervals(resamples[0], resamples[1], statistic)
        conclusion: Conclusion | None = None
        if is_judged and absolute and relative:
            if name == "answered":
                conclusion = judge(absolute, after.max_error_rate, larger_is_worse=False)
            else:
                conclusion = judge(relative, max_regression, larger_is_worse=True)
        elif is_judged:
            conclusion = "INCONCLUSIVE"
        metrics.append(
            MetricComparison(
                name=name,
                unit=unit,
                before=_whole_run(before, name),
                after=_whole_run(after, name),
                difference=absolute,
                relative=relative,
                is_judged=is_judged,
                conclusion=conclusion,
            )
        )
    return metrics


def _whole_run(result: RunResult, name: str) -> float:
    """Return a figure as the report has it, exact where the histograms round; NaN where there is none."""
    sent = result.completed + sum(error.count for error in result.errors)
    if name == "mean":
        return math.nan if result.latency.mean_ms is None else result.latency.mean_ms
    if name == "throughput":
        return result.completed / result.duration_s if result.duration_s else math.nan
    if name == "answered":
        return result.completed / sent if sent else math.nan
    return result.latency.percentiles.get(name.removeprefix("p"), math.nan)


def _doubts(result: RunResult, name: str) -> list[str]:
    doubts = []
    if result.verdict.name == "GENERATOR_LIMITED":
        doubts.append(f"{name} was limited by its generator: it says more about the client than about the server")
    if result.verdict.interrupted:
        doubts.append(f"{name} was interrupted before its end")
    if result.command == "run" and len(result.blocks) < FEWEST_BLOCKS:
        doubts.append(
            f"{name} has {len(result.blocks)} blocks of time, {FEWEST_BLOCKS} are needed for an interval: measure for "
            f"{FEWEST_BLOCKS} s at least"
        )
    return doubts


def _conclude(
    before: RunResult,
    after: RunResult,
    metrics: list[MetricComparison],
    not_comparable: list[str],
    max_regression: float,
) -> tuple[Conclusion, str]:
    if not_comparable:
        return "INCONCLUSIVE", f"NOT COMPARABLE: {'; '.join(not_comparable)}."
    if "GENERATOR_LIMITED" in (before.verdict.name, after.verdict.name):
        return "INCONCLUSIVE", "INCONCLUSIVE: a generator was the limit; measure again with more workers or less load."
    judged = [metric for metric in metrics if metric.is_judged]
    if worse := [metric for metric in judged if metric.conclusion == "REGRESSION"]:
        parts = ", ".join(_describe(metric) for metric in worse)
        return (
            "REGRESSION",
            f"REGRESSION: B is worse than A by more than the {max_regression:.1%} that are allowed: {parts}.",
        )
    if unclear := [metric for metric in judged if metric.conclusion == "INCONCLUSIVE"]:
        parts = ", ".join(_describe(metric) for metric in unclear)
        return (
            "INCONCLUSIVE",
            f"INCONCLUSIVE: {parts}; {max_regression:.1%} worse is allowed. {_advice(unclear, before, max_regression)}",
        )
    parts = ", ".join(_describe(metric) for metric in judged)
    return "NO_REGRESSION", f"NO REGRESSION beyond {max_regression:.1%}: {parts} ({CONFIDENCE:.0%} confidence)."


def _describe(metric: MetricComparison) -> str:
    if metric.relative is None:
        return f"{metric.name} cannot be judged"
    return (
        f"{metric.name} {metric.relative.value:+.1%} "
        f"(between {metric.relative.low:+.1%} and {metric.relative.high:+.1%})"
    )


def _advice(unclear: list[MetricComparison], before: RunResult, max_regression: float) -> str:
    """Say how long the runs would have to be, from intervals that shrink with the root of the time."""
    if any(metric.relative is None for metric in unclear):
        return "Measure longer, and let the reports keep their blocks."
    if before.command == "find-peak":
        return "Search with a finer resolution."
    factor = 1.0
    for metric in unclear:
        assert metric.relative is not None
        if metric.unit == "share":  # failures come in bursts: their interval does not shrink by that rule
            continue
        room = max_regression - metric.relative.value if metric.unit == "ms" else metric.relative.value + max_regression
        half_width = (metric.relative.high - metric.relative.low) / 2
        factor = max(factor, (half_width / max(abs(room), 1e-3)) ** 2)
    if factor > 100:
        return "The difference is about as large as what is allowed: no run of a reasonable length would tell."
    return f"Runs of about {math.ceil(factor * before.duration_s / 10) * 10} s would tell."
