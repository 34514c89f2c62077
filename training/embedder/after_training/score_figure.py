"""A histogram with a threshold in it."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from training.evaluation.report.figures import BLUE, ORANGE, SETTINGS, as_svg


def score_figure(values: Sequence[float], *, threshold: float, title: str, unit: str) -> Markup:
    """Draw how values are distributed and where the line between them was drawn."""
    with rc_context({**SETTINGS, "svg.hashsalt": title}):
        figure = Figure(figsize=(5.2, 2.8), layout="constrained")
        axes = figure.add_subplot()
        axes.hist(values, bins=40, color=BLUE, alpha=0.6)
        axes.axvline(threshold, color=ORANGE, linewidth=1.8)
        axes.set(xlabel=unit, ylabel="number", title=title)
        return as_svg(figure)
