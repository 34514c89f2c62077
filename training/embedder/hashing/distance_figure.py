"""GrokNet's figure 9: distances of positive and negative pairs, before and after hashing."""

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from training.embedder.evaluation.distance_histogram import DistanceHistogram
from training.evaluation.report.figures import BLUE, SETTINGS, as_svg

RED = "#c2341d"


def distance_figure(histogram: DistanceHistogram, *, title: str, unit: str) -> Markup:
    """Draw the shares of positive (blue) and negative (red) pairs over their distance."""
    with rc_context({**SETTINGS, "svg.hashsalt": title}):
        figure = Figure(figsize=(5.2, 3.0), layout="constrained")
        axes = figure.add_subplot()
        widths = np.diff(histogram.edges)
        for shares, colour, name in (
            (histogram.negative, RED, f"different, {histogram.num_negative:,} pairs"),
            (histogram.positive, BLUE, f"the same, {histogram.num_positive:,} pairs"),
        ):
            axes.bar(histogram.edges[:-1], shares, widths, align="edge", color=colour, alpha=0.55, label=name)
        axes.set(xlabel=unit, ylabel="share of pairs", title=f"{title}: {histogram.overlap:.3f} overlap")
        axes.set_xlim(0, histogram.edges[-1])
        axes.legend(loc="upper left")
        return as_svg(figure)
