"""One relation: the paper's figures on the left, ours on the right, the other side in grey and the better in blue."""

from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from training.scorecard.relation_result import Measurement, RelationResult
from training.scorecard.report.look import BETTER, COLOR_OF_VERDICT, OTHER, tidy, wrapped

ROW_INCHES = 0.62


def relation_figure(result: RelationResult) -> Figure:
    """Draw a line from the other side to the better one for every figure; small marks are the seeds."""
    figures = result.claim.figures
    rows = max(len(figures), len(result.measurements), 2)
    width = 11.0 if figures else 7.5
    figure = Figure(figsize=(width, ROW_INCHES * rows + 1.5), layout="constrained")
    panels = figure.subplots(1, 2 if figures else 1, squeeze=False)[0]
    if figures:
        _paper(panels[0], result)
    _ours(panels[-1], result)
    title = f"{result.claim.sentence}  [{result.verdict}]"
    figure.suptitle(wrapped(title, 105), x=0.01, ha="left", fontsize=11, color=COLOR_OF_VERDICT[result.verdict])
    first = result.measurements[0]
    handles = [
        Line2D([], [], color=OTHER, marker="o", linestyle="", label=first.other),
        Line2D([], [], color=BETTER, marker="o", linestyle="", label=first.better),
    ]
    figure.legend(handles=handles, loc="outside lower right", ncols=2, frameon=False, fontsize=9)
    return figure


def _paper(axes: Any, result: RelationResult) -> None:
    figures = result.claim.figures
    for row, f in enumerate(reversed(figures)):
        _line(axes, row, f.other, f.better)
        _value(axes, row, f.other, f"{f.other:g}", is_left=f.other <= f.better)
        _value(axes, row, f.better, f"{f.better:g}", is_left=f.better < f.other)
    axes.set_yticks(range(len(figures)), [wrapped(f.what, 34) for f in reversed(figures)])
    axes.set_title(f"the paper{f' ({result.claim.unit})' if result.claim.unit else ''}", loc="left", fontsize=10)
    _finish(axes, len(figures))


def _ours(axes: Any, result: RelationResult) -> None:
    measurements = result.measurements
    for row, m in enumerate(reversed(measurements)):
        _measurement(axes, row, m)
    labels = [wrapped(m.what if m.is_decisive else f"({m.what})", 34) for m in reversed(measurements)]
    axes.set_yticks(range(len(measurements)), labels)
    axes.set_title("ours, rerun small", loc="left", fontsize=10)
    _finish(axes, len(measurements))


def _measurement(axes: Any, row: int, m: Measurement) -> None:
    other = sum(m.other_per_seed) / len(m.other_per_seed)
    better = sum(m.better_per_seed) / len(m.better_per_seed)
    _line(axes, row, other, better)
    if len(m.other_per_seed) > 1:
        for values, color in ((m.other_per_seed, OTHER), (m.better_per_seed, BETTER)):
            axes.plot(values, [row - 0.22] * len(values), color=color, marker="|", markersize=6, linestyle="")
    _value(axes, row, other, f"{other:.{m.digits}f}", is_left=other <= better)
    _value(axes, row, better, f"{better:.{m.digits}f}", is_left=better < other)


def _line(axes: Any, row: int, other: float, better: float) -> None:
    axes.plot([other, better], [row, row], color="#afb8c1", linewidth=2.5, zorder=1)
    axes.plot([other], [row], color=OTHER, marker="o", markersize=8)
    axes.plot([better], [row], color=BETTER, marker="o", markersize=8)


def _value(axes: Any, row: int, x: float, text: str, *, is_left: bool) -> None:
    """Write a figure on the outer side of its dot."""
    axes.annotate(
        text,
        (x, row),
        xytext=(-8 if is_left else 8, 0),
        textcoords="offset points",
        ha="right" if is_left else "left",
        va="center",
        fontsize=8.5,
    )


def _finish(axes: Any, rows: int) -> None:
    axes.set_ylim(-0.6, rows - 0.4)
    axes.margins(x=0.22)
    tidy(axes)
