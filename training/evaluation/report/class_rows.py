"""One row per class: how good, how many, and from which score on to believe it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.evaluation.average_precision import precision_recall
from training.evaluation.ground_truth import Booleans, Floats
from training.evaluation.report.judged import Judged


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class of which there are objects, or detections that count."""

    name: str
    AP: float | None
    """None where the protocol has none, or the class no object."""
    AP50: float | None
    objects: int
    detections: int
    threshold: float | None
    """The score from which on precision and recall are best balanced (largest F1); None where nothing is right."""
    F1: float
    precision: float
    """At that threshold, as the recall."""
    recall: float
    curve: tuple[tuple[float, float], ...]
    """(recall, precision) at IoU 0.5, precision never rising; empty without objects."""


@dataclass(frozen=True, slots=True)
class BestThreshold:
    """Where F1 is largest."""

    threshold: float | None
    F1: float = 0.0
    precision: float = 0.0
    recall: float = 0.0


def class_rows(judged: Judged, AP50: Mapping[str, float], AP: Mapping[str, float]) -> list[ClassRow]:
    """Return the rows, the classes with most objects first."""
    rows = []
    names = judged.ground_truth.category_names
    objects = judged.objects_per_class
    counts = judged.is_true | judged.is_wrong
    for k in np.union1d(np.flatnonzero(objects), np.unique(judged.categories)):
        mine = counts & (judged.categories == k)
        scores, is_true = judged.scores[mine], judged.is_true[mine]
        best = best_threshold(scores, is_true, int(objects[k]))
        rows.append(
            ClassRow(
                name=names[k],
                AP=AP.get(names[k]),
                AP50=AP50.get(names[k]),
                objects=int(objects[k]),
                detections=int((judged.categories == k).sum()),
                threshold=best.threshold,
                F1=best.F1,
                precision=best.precision,
                recall=best.recall,
                curve=_envelope(scores, is_true, int(objects[k])),
            )
        )
    return sorted(rows, key=lambda row: (-row.objects, row.name))


def best_threshold(scores: Floats, is_true: Booleans, objects: int) -> BestThreshold:
    """Return the score from which on F1 = 2 P R / (P + R) is largest; the highest of equals.

    Args:
        scores: FP64 [D].
        is_true: BOOL [D].
        objects: how many there are to find.
    """
    if not objects or not is_true.any():
        return BestThreshold(None)
    precision, recall = precision_recall(scores, is_true.astype(np.float64), objects)
    descending = -np.sort(-scores)
    # A threshold cannot part equal scores.
    is_last_of_its_score = np.append(descending[1:] != descending[:-1], True)
    F1 = np.where(is_last_of_its_score, 2 * precision * recall / np.maximum(precision + recall, 1e-300), -1.0)
    best = int(np.argmax(F1))
    return BestThreshold(float(descending[best]), float(F1[best]), float(precision[best]), float(recall[best]))


def thresholds_per_class(judged: Judged) -> Floats:
    """Return FP64 [C]: each class's best threshold; infinite where no detection is right."""
    objects = judged.objects_per_class
    counts = judged.is_true | judged.is_wrong
    thresholds = np.full(len(objects), np.inf)
    for k in np.unique(judged.categories):
        mine = counts & (judged.categories == k)
        best = best_threshold(judged.scores[mine], judged.is_true[mine], int(objects[k]))
        if best.threshold is not None:
            thresholds[k] = best.threshold
    return thresholds


def _envelope(scores: Floats, is_true: Booleans, objects: int) -> tuple[tuple[float, float], ...]:
    if not objects or not len(scores):
        return ()
    precision, recall = precision_recall(scores, is_true.astype(np.float64), objects)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    corner = np.append(precision[1:] != precision[:-1], True)  # where the curve bends
    return tuple((float(r), float(p)) for r, p in zip(recall[corner], precision[corner], strict=True))
