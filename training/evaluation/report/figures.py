"""The page's drawings, each a piece of SVG."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from training.evaluation.ground_truth import Floats
from training.evaluation.report.class_rows import ClassRow
from training.evaluation.report.judged import Judged

INK, MUTED, GRID = "#1b2430", "#566172", "#dfe3e8"
BLUE, ORANGE, GREEN, GREY = "#0067a5", "#c4601d", "#0b7a55", "#b4bdc8"
SETTINGS: dict[Any, Any] = {  # the type of a key is the literal names of all settings
    "svg.fonttype": "none",  # text stays text, in the page's own font
    "text.parse_math": False,
    "font.size": 9,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}


def curves_figure(precision_per_iou: Sequence[tuple[str, Floats]]) -> Markup:
    """Draw the mean precision over the classes at recalls 0 to 1; a line per IoU threshold, FP64 [R]."""
    with rc_context({**SETTINGS, "svg.hashsalt": "curves"}):
        figure = Figure(figsize=(5.2, 3.6), layout="constrained")
        axes = figure.add_subplot()
        shades = (BLUE, ORANGE, GREEN)
        for (name, precision), colour in zip(precision_per_iou, shades, strict=False):
            axes.plot(np.linspace(0, 1, len(precision)), precision, color=colour, label=name, linewidth=1.8)
        axes.set(
            xlim=(0, 1),
            ylim=(0, 1.02),
            xlabel="recall",
            ylabel="precision",
            title="Precision at each recall, mean of classes",
        )
        if precision_per_iou:
            axes.legend(loc="upper right")
        return as_svg(figure)


def thresholds_figure(judged: Judged) -> Markup:
    """Draw precision, recall and F1 of all detections together over the score from which they are shown."""
    with rc_context({**SETTINGS, "svg.hashsalt": "thresholds"}):
        figure = Figure(figsize=(5.2, 3.6), layout="constrained")
        axes = figure.add_subplot()
        counts = judged.is_true | judged.is_wrong
        scores, is_true = judged.scores[counts], judged.is_true[counts]
        objects = int(judged.objects_per_class.sum())
        if len(scores) and objects:
            low, high = min(float(scores.min()), 0.0), max(float(scores.max()), 1.0)
            thresholds = np.linspace(low, high, 201)
            shown = len(scores) - np.searchsorted(np.sort(scores), thresholds)
            right = is_true.sum() - np.searchsorted(np.sort(scores[is_true]), thresholds)
            recall = right / objects
            with np.errstate(invalid="ignore"):
                precision = np.where(shown > 0, right / np.maximum(shown, 1), np.nan)
                F1 = 2 * right / (shown + objects)
            for values, name, colour in ((precision, "precision", BLUE), (recall, "recall", ORANGE), (F1, "F1", GREEN)):
                axes.plot(thresholds, values, color=colour, label=name, linewidth=1.8)
            best = int(np.argmax(F1))
            axes.axvline(thresholds[best], color=MUTED, linewidth=0.8, linestyle=":")
            axes.annotate(
                f"F1 {F1[best]:.2f} at {thresholds[best]:.2f}",
                (thresholds[best], 0.02),
                (4, 0),
                textcoords="offset points",
                fontsize=8.5,
                color=MUTED,
            )
            axes.set_xlim(low, high)
            axes.legend(loc="upper right")
        axes.set(ylim=(0, 1.02), xlabel="shown from this score on", title="All detections together, IoU 0.5")
        return as_svg(figure)


def tail_figure(rows: Sequence[ClassRow]) -> Markup:
    """Draw AP50 over the number of objects, a dot per class: does the tail suffer?"""
    with rc_context({**SETTINGS, "svg.hashsalt": "tail"}):
        figure = Figure(figsize=(10.6, 2.7), layout="constrained")
        axes = figure.add_subplot()
        counted = [row for row in rows if row.AP50 is not None and row.objects]
        objects = [row.objects for row in counted]
        values = [row.AP50 or 0.0 for row in counted]
        axes.scatter(objects, values, s=22, color=BLUE, alpha=0.65, linewidths=0)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(lambda value, _: "")
        axes.set(
            ylim=(-0.04, 1.04),
            xlabel="objects in the ground truth (log scale)",
            ylabel="AP50",
            title="Frequent and rare classes",
        )
        for row in sorted(counted, key=lambda row: -row.objects)[:6]:
            axes.annotate(
                row.name, (row.objects, row.AP50), (4, 3), textcoords="offset points", fontsize=8, color=MUTED
            )
        return as_svg(figure)


def sparkline(row: ClassRow) -> Markup:
    """Draw a class's precision-recall curve, small."""
    if not row.curve:
        return Markup("")
    width, height = 72, 26
    points, before = [f"0,{(1 - row.curve[0][1]) * height:.1f}"], 0.0
    for recall, precision in row.curve:
        y = (1 - precision) * height
        points += [f"{before * width:.1f},{y:.1f}", f"{recall * width:.1f},{y:.1f}"]
        before = recall
    points.append(f"{before * width:.1f},{height}")
    label = f"precision over recall of {row.name}"
    return Markup(
        '<svg class="spark" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{label}">'
        '<rect width="{w}" height="{h}"/><polygon points="0,{h} {points}"/></svg>'
    ).format(w=width, h=height, label=label, points=" ".join(points))


def as_svg(figure: Figure) -> Markup:
    """Return a drawing as SVG to be put into a page, the same for the same drawing."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None}, transparent=True)
    text = file.getvalue()
    return Markup(text[text.index("<svg") :])
