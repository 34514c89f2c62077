"""Plots of what a relation has besides two sides: counts of boxes, latencies over classes."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from training.scorecard.relation_result import RelationResult
from training.scorecard.report.look import BETTER, OTHER, tidy


def draw_details(result: RelationResult) -> Figure | None:
    """Draw what a relation's details hold, if there is a plot for it."""
    details = result.details or {}
    if "boxes_before" in details and "boxes_after" in details:
        return _boxes(details["boxes_before"], details["boxes_after"])
    if "latency_ms" in details:
        return _latencies(details["latency_ms"])
    return None


def _boxes(before: Mapping[str, int], after: Mapping[str, int]) -> Figure:
    """Figure 4 of the paper: boxes of each class before and after sampling, classes by their number before."""
    names = sorted(before, key=lambda name: (-before[name], name))
    figure = Figure(figsize=(8.5, 3.8), layout="constrained")
    axes = figure.subplots()
    rows = range(len(names))
    axes.plot(rows, [before[n] for n in names], color=OTHER, marker="o", linewidth=2, label="before")
    axes.plot(
        rows, [after[n] for n in names], color=BETTER, marker="o", linewidth=2, label="after class-aware upsampling"
    )
    axes.set_xticks(rows, names, rotation=40, ha="right")
    axes.set_yscale("log")
    axes.set_ylabel("boxes shown in an epoch")
    axes.set_title("Boxes of each class, as in the paper's figure 4", loc="left", fontsize=11)
    tidy(axes)
    axes.grid(axis="y", color="#d8dee4", linewidth=0.8)
    axes.legend(frameon=False, fontsize=9)
    return figure


def _latencies(latency_ms: Mapping[str, Mapping[str, float]]) -> Figure:
    """Table 5 of the paper as lines: milliseconds of each detector over the number of classes."""
    figure = Figure(figsize=(7.5, 4.0), layout="constrained")
    axes = figure.subplots()
    ends = sorted({int(count) for of_model in latency_ms.values() for count in of_model})
    for name, of_model in latency_ms.items():
        counts = sorted(int(count) for count in of_model)
        values = [of_model[str(count)] for count in counts]
        is_fcos = "fcos" in name.lower()
        is_small = "small" in name.lower() or "slim" in name.lower()
        axes.plot(
            counts,
            values,
            marker="o",
            linewidth=2,
            color=BETTER if is_fcos else "#bc4c00",
            linestyle="--" if is_small else "-",
            label=f"{name}: {values[-1] / values[0]:.2f}x",
        )
    axes.set_xticks(ends)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("classes")
    axes.set_ylabel("ms an image")
    axes.set_title("Latency over the number of classes, and its growth", loc="left", fontsize=11)
    tidy(axes)
    axes.grid(axis="y", color="#d8dee4", linewidth=0.8)
    axes.legend(frameon=False, fontsize=9)
    return figure
