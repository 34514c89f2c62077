"""The two modes of a query's scores."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from training.embedder.after_training.query_thresholds import QueryThreshold
from training.evaluation.report.figures import BLUE, MUTED, ORANGE, SETTINGS, as_svg


def threshold_figure(found: QueryThreshold, scores: Sequence[float]) -> Markup:
    """Draw the scores of a query's nearest photos, the two centres, and the threshold between them."""
    with rc_context({**SETTINGS, "svg.hashsalt": found.query}):
        figure = Figure(figsize=(5.2, 2.4), layout="constrained")
        axes = figure.add_subplot()
        axes.hist(scores, bins=32, range=(0, max(max(scores), 1e-9)), color=BLUE, alpha=0.6)
        for centre in (found.low, found.high):
            axes.axvline(centre, color=MUTED, linewidth=0.8, linestyle=":")
        if found.threshold is not None:
            axes.axvline(found.threshold, color=ORANGE, linewidth=1.8)
        axes.set(xlabel="predicted score", ylabel="photos", title=found.query)
        return as_svg(figure)
