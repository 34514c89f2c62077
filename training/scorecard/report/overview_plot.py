"""All relations at a glance: the difference in the paper's direction, with its interval and every seed."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from training.scorecard.relation_result import Measurement, RelationResult
from training.scorecard.report.look import COLOR_OF_VERDICT, MARK_OF_VERDICT, tidy, wrapped

ROW_INCHES = 0.52


def overview_figure(results: Sequence[RelationResult]) -> Figure:
    """Draw a row for each decisive measurement; figures of different units have scales of their own."""
    rows = [(result, m) for result in results for m in result.measurements if m.is_decisive]
    units = list(dict.fromkeys(m.unit for _, m in rows))
    counts = [sum(m.unit == unit for _, m in rows) for unit in units]
    height = ROW_INCHES * len(rows) + 0.75 * len(units) + 0.7
    figure = Figure(figsize=(10.5, height), layout="constrained")
    panels = figure.subplots(len(units), 1, squeeze=False, gridspec_kw={"height_ratios": [c + 0.8 for c in counts]})
    for unit, axes in zip(units, panels[:, 0], strict=True):
        of_unit = [(result, m) for result, m in rows if m.unit == unit]
        for row, (_, measurement) in enumerate(of_unit):
            _draw(axes, len(of_unit) - 1 - row, measurement)
        axes.set_yticks(range(len(of_unit)), [_label(result, m) for result, m in reversed(of_unit)])
        axes.set_ylim(-0.6, len(of_unit) - 0.4)
        axes.axvline(0, color="#24292f", linewidth=1)
        axes.set_xlabel(f"difference in the paper's direction{f' ({unit.strip()})' if unit else ' (AP, from 0 to 1)'}")
        tidy(axes)
    shown = list(dict.fromkeys(m.decision.verdict for _, m in rows))
    handles = [
        Line2D([], [], color=COLOR_OF_VERDICT[v], marker=MARK_OF_VERDICT[v], linestyle="-", label=str(v)) for v in shown
    ]
    handles.append(Line2D([], [], color="#57606a", marker="|", linestyle="", markersize=9, label="one seed"))
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), frameon=False, fontsize=9)
    figure.suptitle("Scorecard: mean difference, 95 % interval", x=0.01, ha="left", fontsize=12, fontweight="bold")
    return figure


def _draw(axes: object, y: int, measurement: Measurement) -> None:
    color = COLOR_OF_VERDICT[measurement.decision.verdict]
    mark = MARK_OF_VERDICT[measurement.decision.verdict]
    low, high = measurement.interval
    axes.plot([low, high], [y, y], color=color, linewidth=2.4, solid_capstyle="round")  # type: ignore[attr-defined]
    seeds = measurement.differences_per_seed
    axes.plot(seeds, [y] * len(seeds), color="#57606a", marker="|", markersize=11, linestyle="")  # type: ignore[attr-defined]
    axes.plot([measurement.mean_difference], [y], color=color, marker=mark, markersize=8)  # type: ignore[attr-defined]


def _label(result: RelationResult, measurement: Measurement) -> str:
    return wrapped(f"{result.name.replace('_', ' ')}: {measurement.what}", 58)
