"""Latency against percentile, on an axis that gives each further nine the same room."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from loadtest.histogram_cells import recorded_cells
from loadtest.report.figures.inline_svg import drawing, inline_svg, plain_axes
from loadtest.report.figures.palette import BAD, FIRST, MUTED, SECOND
from loadtest.results import Target

TICKS = (0.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 99.999)
LOG_SCALE_FROM_RATIO = 30.0
COLOURS = (FIRST, SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One distribution.

    Attributes:
        label: its name.
        histogram: as in `LatencySummary.histogram`.
    """

    label: str
    histogram: str


def percentile_curve(
    curves: Sequence[Curve], targets: Sequence[Target], *, lag: Curve | None = None, name: str = "percentiles"
) -> Markup:
    """Draw distributions of latencies and what is asked of them.

    Args:
        curves: one or two distributions with at least one sample each.
        targets: each is drawn as a line at its limit with a mark at its percentile.
        lag: the generator's own, drawn faintly.
        name: prefix of the drawing's ids.
    """
    with drawing(8.2, 3.3) as figure:
        axes = figure.subplots()
        plain_axes(axes)
        largest_odds = 10.0
        points = [_points(curve.histogram) for curve in curves]
        for curve, (odds, latency_ms), colour in zip(curves, points, COLOURS, strict=False):
            axes.plot(odds, latency_ms, color=colour, label=curve.label, drawstyle="steps-pre")
            largest_odds = max(largest_odds, odds[-1])
        if lag is not None and len((lag_points := _points(lag.histogram))[0]):
            axes.plot(*lag_points, color=MUTED, linewidth=1, linestyle=(0, (1, 1.5)), label=lag.label)
        for target in targets:
            axes.axhline(target.limit_ms, color=BAD, linewidth=1, linestyle=(0, (5, 3)))
            axes.plot(
                [_odds(target.percentile)],
                [target.limit_ms],
                marker="v",
                color=BAD,
                markersize=7,
                linestyle="none",
                label=f"{target.name} may be {target.limit_ms:g} ms",
            )
            largest_odds = max(largest_odds, _odds(target.percentile) * 1.3)
        axes.set_xscale("log")
        axes.set_xlim(1, largest_odds * 1.1)
        ticks = [tick for tick in TICKS if _odds(tick) <= largest_odds * 1.1]
        axes.set_xticks(
            [_odds(tick) for tick in ticks], [f"{tick:g} %" if tick else "0" for tick in ticks], minor=False
        )
        axes.set_xticks([], minor=True)
        medians = [float(np.interp(2.0, odds, latency_ms)) for odds, latency_ms in points]
        if any(p[1][-1] > LOG_SCALE_FROM_RATIO * max(m, 1e-3) for p, m in zip(points, medians, strict=True)):
            axes.set_yscale("log")
        else:
            axes.set_ylim(0, axes.get_ylim()[1])
        axes.set_ylabel("ms")
        axes.set_xlabel("percentile of the answered requests")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return inline_svg(
            figure, name=name, title="Latency by percentile", description=_description(curves, points, targets)
        )


def _points(histogram: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 1 / (share of slower requests) and milliseconds, both ascending; the slowest request is the last."""
    values_ms, counts = recorded_cells(histogram)
    count_up_to = np.cumsum(counts)
    if not len(count_up_to):
        return np.empty(0), np.empty(0)
    total = count_up_to[-1]
    # Half a request beyond the last: the slowest of n stands for a share of 1/n, not of none.
    slower = np.maximum(total - count_up_to, 0.5) / total
    return 1 / slower, values_ms


def _odds(percentile: float) -> float:
    return 1 / (1 - percentile / 100)


def _description(
    curves: Sequence[Curve],
    points: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    targets: Sequence[Target],
) -> str:
    parts = []
    for curve, (odds, latency_ms) in zip(curves, points, strict=True):
        index = min(math.ceil(float(np.searchsorted(odds, 2.0))), len(latency_ms) - 1)
        parts.append(
            f"{curve.label}: half of the requests within {latency_ms[index]:.3g} ms, all within {latency_ms[-1]:.3g} ms"
        )
    parts += [f"{target.name} may be {target.limit_ms:g} ms" for target in targets]
    return "; ".join(parts) + "."
