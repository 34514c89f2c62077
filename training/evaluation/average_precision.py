"""Precision, recall and the area below their curve, as in Pascal VOC since 2010 and in OpenImages."""

import numpy as np

from training.evaluation.ground_truth import Floats


def precision_recall(scores: Floats, values: Floats, instances: float) -> tuple[Floats, Floats]:
    """Return precision and recall after each detection, best score first; among equal scores the earlier one first.

    Args:
        scores: FP64 [D].
        values: FP64 [D]: 1 for a true positive, 0 for a false one, a weight in between for a group of objects.
        instances: how much there was to find, > 0: the number of objects, a group counting as its weight.

    Returns:
        Two arrays FP64 [D].
    """
    values = values[np.argsort(-scores, kind="stable")]
    true, false = np.cumsum(values), np.cumsum(values <= 0)
    return true / np.maximum(true + false, np.finfo(np.float64).tiny), true / instances


def average_precision(precision: Floats, recall: Floats) -> float:
    """Return the area below the curve, at every recall the best precision reached from there on (all points, not 11).

    Args:
        precision: FP64 [D].
        recall: FP64 [D], never falling.
    """
    steps = np.diff(recall, prepend=0.0)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return float((steps * best_from_here).sum())
