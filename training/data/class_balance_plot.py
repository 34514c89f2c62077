"""Figure 4 of GenOD: boxes of each class before and after class-aware upsampling."""

from collections.abc import Mapping
from pathlib import Path

WIDTH_IN, HEIGHT_IN, DPI = 7.0, 4.0, 150


def plot_class_balance(
    path: Path, before: Mapping[str, int], after: Mapping[str, int], *, min_boxes_per_class: int
) -> None:
    """Write the plot as PNG: classes sorted by their boxes before, on a logarithmic axis.

    Args:
        path: the file to write; its folder is made.
        before: boxes of each class with every photo once.
        after: of the same classes, as an epoch shows them.
        min_boxes_per_class: N_min, drawn as a line; 0 draws none.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = sorted(before, key=lambda name: (-before[name], name))
    ranks = range(1, len(names) + 1)
    figure, axes = pyplot.subplots(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
    try:
        # A class without a box has no place on a logarithmic axis: it is drawn at a tenth of a box.
        axes.step(ranks, [max(after[name], 0.1) for name in names], where="mid", color="tab:blue", label="after")
        axes.step(ranks, [max(before[name], 0.1) for name in names], where="mid", color="tab:red", label="before")
        if min_boxes_per_class:
            label = f"minimum {min_boxes_per_class}"
            axes.axhline(min_boxes_per_class, label=label, color="gray", linestyle="--", linewidth=1.0)
        axes.set_yscale("log")
        axes.set_xlabel("classes, sorted by their boxes before")
        axes.set_ylabel("boxes an epoch shows")
        axes.set_title(f"{len(names)} classes before and after class-aware upsampling")
        axes.legend()
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=DPI, format="png")
    finally:
        pyplot.close(figure)
