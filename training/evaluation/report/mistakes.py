"""What went wrong, mistake by mistake, and what is taken for what."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.evaluation.ground_truth import Floats, Integers
from training.evaluation.matching import NONE, match_boxes, overlap_of_pairs
from training.evaluation.report.judged import IOU_THRESHOLD, Judged

Kind = Literal["wrong class", "badly placed", "found twice", "no object"]
TOUCHING = 0.1
"""Overlap from which on a detection means an object, however badly."""


@dataclass(frozen=True, slots=True)
class FalsePositive:
    """A detection that is wrong."""

    detection: int
    """Its position among the judged detections."""
    kind: Kind
    other: int
    """The object that it overlaps most, of any class; -1 where it touches none."""
    overlap: float


def false_positives(judged: Judged, chosen: Integers) -> list[FalsePositive]:
    """Say of each of some wrong detections, INT64 [K], what kind of mistake it is.

    Badly placed and found twice are about an object of its own class; wrong class is on one of another class (IoU 0.5
    or more); else there is no object.
    """
    if not len(chosen):
        return []
    everything = match_boxes(
        boxes=judged.boxes[chosen],
        scores=judged.scores[chosen],
        groups=judged.images[chosen],
        object_boxes=judged.object_boxes,
        # Of a box that stands for its ancestors too, the class that it was given is the one to be mistaken.
        object_groups=np.where(judged.is_original, judged.object_images, NONE),
        is_region=judged.is_region,
    )
    result = []
    for row, detection in enumerate(chosen):
        own_overlap = float(judged.matches.best_overlap[detection])
        own = int(judged.matches.best_object[detection])
        other, overlap = int(everything.best_object[row]), float(everything.best_overlap[row])
        kind: Kind = "no object"
        if own_overlap >= IOU_THRESHOLD:
            kind, other, overlap = "found twice", own, own_overlap
        elif overlap >= IOU_THRESHOLD:
            kind = "wrong class"
        elif own_overlap >= TOUCHING:
            kind, other, overlap = "badly placed", own, own_overlap
        elif overlap < TOUCHING:
            other = NONE
        result.append(FalsePositive(int(detection), kind, other, overlap))
    return result


def most_confident_false_positives(judged: Judged, limit: int, *, per_class: int = 4) -> list[FalsePositive]:
    """Return the wrong detections with the highest scores, not more than a few of one class."""
    wrong = np.flatnonzero(judged.is_wrong)
    by_score = wrong[np.argsort(-judged.scores[wrong], kind="stable")]
    # One box under several names (a cat, an animal) is one mistake to look at.
    seen = np.column_stack([judged.images[by_score], judged.boxes[by_score]])
    _, first = np.unique(seen, axis=0, return_index=True)
    by_score = by_score[np.sort(first)]
    return false_positives(judged, _a_few_of_each(by_score, judged.categories, limit, per_class))


def largest_missed_objects(judged: Judged, threshold_of_class: Floats, limit: int, *, per_class: int = 4) -> Integers:
    """Return the objects, INT64 [K], that nothing found at their class's threshold, by their share of the photo."""
    missed = np.flatnonzero(~judged.found_at(threshold_of_class) & ~judged.is_region & judged.is_original)
    share = np.array([_share_of_photo(judged, index) for index in missed])
    by_share = missed[np.argsort(-share, kind="stable")] if len(missed) else missed
    return _a_few_of_each(by_share, judged.object_categories, limit, per_class)


def kinds_of_mistakes(judged: Judged, threshold_of_class: Floats) -> dict[str, int]:
    """Count the mistakes made at each class's best threshold."""
    found = judged.found_at(threshold_of_class)
    wrong = np.flatnonzero(judged.is_wrong & (judged.scores >= threshold_of_class[judged.categories]))
    kinds = Counter(mistake.kind for mistake in false_positives(judged, wrong))
    return {
        "right": int((judged.is_true & (judged.scores >= threshold_of_class[judged.categories])).sum()),
        **{kind: kinds[kind] for kind in ("wrong class", "badly placed", "found twice", "no object")},
        "missed": int((~found & ~judged.is_region).sum()),
    }


def confusions(judged: Judged, threshold_of_class: Floats) -> Counter[tuple[int, int]]:
    """Count (class of an object that was missed, class of the detection on it) at each class's best threshold."""
    missed = np.flatnonzero(~judged.found_at(threshold_of_class) & ~judged.is_region & judged.is_original)
    wrong = np.flatnonzero(judged.is_wrong & (judged.scores >= threshold_of_class[judged.categories]))
    matches = match_boxes(
        boxes=judged.boxes[wrong],
        scores=judged.scores[wrong],
        groups=judged.images[wrong],
        object_boxes=judged.object_boxes[missed],
        object_groups=judged.object_images[missed],
        is_region=np.zeros(len(missed), np.bool_),
    )
    rows = np.flatnonzero(matches.is_true)
    pairs = zip(
        judged.object_categories[missed[matches.best_object[rows]]].tolist(),
        judged.categories[wrong[rows]].tolist(),
        strict=True,
    )
    return Counter(pair for pair in pairs if pair[0] != pair[1])


def objects_near(judged: Judged, image: int, box: Floats) -> Integers:
    """Return the objects of an image, INT64 [K], that touch a box FP64 [4]."""
    mine = np.flatnonzero((judged.object_images == image) & judged.is_original)
    overlaps = overlap_of_pairs(np.broadcast_to(box, (len(mine), 4)), judged.object_boxes[mine])
    return mine[overlaps > 0]


def _a_few_of_each(order: Integers, categories: Integers, limit: int, per_class: int) -> Integers:
    chosen: list[int] = []
    taken: Counter[int] = Counter()
    for index in order.tolist():
        if len(chosen) == limit:
            break
        if taken[int(categories[index])] < per_class:
            taken[int(categories[index])] += 1
            chosen.append(index)
    return np.array(chosen, np.int64)


def _share_of_photo(judged: Judged, index: int) -> float:
    image = judged.ground_truth.images[judged.object_images[index]]
    area = float(judged.object_boxes[index, 2:].prod())
    size = float(image.get("width") or 0) * float(image.get("height") or 0)
    return area / size if size else area
