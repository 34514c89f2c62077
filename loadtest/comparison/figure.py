"""The intervals as a picture: left of the line is better, right of the allowance is a regression."""

from __future__ import annotations

import math

from markupsafe import Markup
from matplotlib.ticker import PercentFormatter

from loadtest.comparison.compared import Comparison
from loadtest.report.figures.inline_svg import drawing, inline_svg, plain_axes
from loadtest.report.figures.palette import BAD, GOOD, INK, MUTED, WARN

COLOURS = {"NO_REGRESSION": GOOD, "REGRESSION": BAD, "INCONCLUSIVE": WARN, None: MUTED}
WIDEST = 1.0


def interval_figure(comparison: Comparison) -> Markup | None:
    """Draw the relative change of each latency, with its interval; None where there is no interval."""
    metrics = [metric for metric in comparison.metrics if metric.relative is not None and metric.unit == "ms"]
    if not metrics:
        return None
    with drawing(8.2, 0.9 + 0.36 * len(metrics)) as figure:
        axes = figure.subplots()
        plain_axes(axes, grid_axis="x")
        axes.axvline(0, color=INK, linewidth=1)
        axes.axvline(
            comparison.max_regression,
            color=BAD,
            linewidth=1,
            linestyle=(0, (5, 3)),
            label=f"{comparison.max_regression:.1%} slower is allowed",
        )
        reach = 0.0
        for position, metric in enumerate(metrics):
            assert metric.relative is not None
            low, high = (max(min(value, WIDEST), -WIDEST) for value in (metric.relative.low, metric.relative.high))
            value = max(min(metric.relative.value, WIDEST), -WIDEST)
            axes.errorbar(
                [value],
                [position],
                xerr=[[value - low], [high - value]],
                fmt="o",
                color=COLOURS[metric.conclusion],
                capsize=4,
                markersize=6,
            )
            reach = max(reach, abs(low), abs(high), 1.3 * comparison.max_regression)
        axes.set_yticks(range(len(metrics)), [metric.name for metric in metrics])
        axes.tick_params(axis="y", colors=INK)
        axes.set_ylim(len(metrics) - 0.4, -0.6)
        axes.set_xlim(-1.1 * reach, 1.1 * reach)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0 if reach > 0.05 else 1))
        axes.set_xlabel("B against A: left is faster, right is slower")
        figure.legend(loc="outside upper right")
        return inline_svg(
            figure,
            name="intervals",
            title="Change of each latency from A to B",
            description="; ".join(
                f"{metric.name} {metric.relative.value:+.1%}, between {metric.relative.low:+.1%} and "
                f"{metric.relative.high:+.1%}"
                for metric in metrics
                if metric.relative is not None and not math.isnan(metric.relative.value)
            )
            + ".",
        )
