"""How often predictions are right, over what they promise."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from training.embedder.after_training.calibration import Calibration
from training.embedder.after_training.calibration_error import ReliabilityBin
from training.evaluation.report.figures import BLUE, GREEN, MUTED, SETTINGS, as_svg


def reliability_figure(bins: Sequence[ReliabilityBin], *, title: str) -> Markup:
    """Draw the share that is right of each bin; what is calibrated lies on the diagonal. Area is the number."""
    with rc_context({**SETTINGS, "svg.hashsalt": title}):
        figure = Figure(figsize=(5.2, 3.6), layout="constrained")
        axes = figure.add_subplot()
        most = max(b.count for b in bins)
        axes.plot((0, 1), (0, 1), color=MUTED, linewidth=0.8, linestyle=":")
        axes.plot([b.mean_score for b in bins], [b.share_right for b in bins], color=BLUE, linewidth=1.2)
        axes.scatter(
            [b.mean_score for b in bins],
            [b.share_right for b in bins],
            s=[8 + 160 * b.count / most for b in bins],
            color=BLUE,
            alpha=0.6,
            linewidths=0,
        )
        axes.set(xlim=(0, 1), ylim=(-0.02, 1.02), xlabel="score", ylabel="share right", title=title)
        return as_svg(figure)


def knots_figure(calibration: Calibration, *, title: str) -> Markup:
    """Draw the map from scores to probabilities."""
    with rc_context({**SETTINGS, "svg.hashsalt": title}):
        figure = Figure(figsize=(5.2, 3.6), layout="constrained")
        axes = figure.add_subplot()
        x = (0.0, *calibration.scores, 1.0)
        y = (calibration.probabilities[0], *calibration.probabilities, calibration.probabilities[-1])
        axes.plot((0, 1), (0, 1), color=MUTED, linewidth=0.8, linestyle=":")
        axes.plot(x, y, color=GREEN, linewidth=1.8)
        axes.set(xlim=(0, 1), ylim=(-0.02, 1.02), xlabel="score", ylabel="probability", title=title)
        return as_svg(figure)
