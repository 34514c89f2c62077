"""Which detection found which object, at one threshold: the matching of Pascal VOC and OpenImages, without loops.

A detection belongs to the object of its class that it overlaps most, and to no other: if a better scored one has found
that object already, it is wrong. (COCO lets it take the next best object; faster-coco-eval does that.)
"""

from dataclasses import dataclass

import numpy as np

from training.evaluation.ground_truth import Booleans, Floats, Integers

NONE = -1


@dataclass(frozen=True, slots=True)
class Matches:
    """D detections against G objects."""

    best_object: Integers
    """INT64 [D]: the ordinary object of its image and class that a detection overlaps most; -1 where there is none."""
    best_overlap: Floats
    """FP64 [D]: intersection over union with it; 0 where there is none."""
    is_true: Booleans
    """BOOL [D]: the first to find an ordinary object."""
    region: Integers
    """INT64 [D]: the region that takes in a detection which is not true; -1 where none does."""


def match_boxes(
    *,
    boxes: Floats,
    scores: Floats,
    groups: Integers,
    object_boxes: Floats,
    object_groups: Integers,
    is_region: Booleans,
    threshold: float = 0.5,
) -> Matches:
    """Match detections with the objects of their group.

    Args:
        boxes: FP64 [D, 4]: x, y, width, height.
        scores: FP64 [D]; among equal ones the earlier row stands first.
        groups: INT64 [D]: only what has the same number is compared: an image and a class.
        object_boxes: FP64 [G, 4].
        object_groups: INT64 [G].
        is_region: BOOL [G]: an area that holds several objects (group-of, crowd). It takes in any number of detections
            of which at least the threshold of their own area lies in it, and which are not true positives of an object.
        threshold: of the overlap; equal is enough.
    """
    best_object, best_overlap = _best(boxes, groups, object_boxes, object_groups, ~is_region, over_union=True)
    best_region, covered = _best(boxes, groups, object_boxes, object_groups, is_region, over_union=False)

    is_true = np.zeros(len(boxes), np.bool_)
    overlapping = np.flatnonzero((best_object != NONE) & (best_overlap >= threshold))
    best_first = overlapping[np.argsort(-scores[overlapping], kind="stable")]
    _, first_of_object = np.unique(best_object[best_first], return_index=True)
    is_true[best_first[first_of_object]] = True

    is_taken_in = ~is_true & (best_region != NONE) & (covered >= threshold)
    return Matches(best_object, best_overlap, is_true, np.where(is_taken_in, best_region, NONE))


def _best(
    boxes: Floats,
    groups: Integers,
    object_boxes: Floats,
    object_groups: Integers,
    chosen: Booleans,
    *,
    over_union: bool,
) -> tuple[Integers, Floats]:
    """For each detection the chosen object of its group with the largest overlap, the first of equals."""
    best, overlap = np.full(len(boxes), NONE), np.zeros(len(boxes))
    objects = np.flatnonzero(chosen)
    objects = objects[np.argsort(object_groups[objects], kind="stable")]
    start = np.searchsorted(object_groups[objects], groups, side="left")
    count = np.searchsorted(object_groups[objects], groups, side="right") - start
    rows = np.flatnonzero(count)
    if not rows.size:
        return best, overlap
    # One entry per pair (detection, object of its group), the pairs of a detection side by side.
    first_pair = np.cumsum(count[rows]) - count[rows]
    row_of_pair = np.repeat(rows, count[rows])
    step = np.arange(len(row_of_pair)) - np.repeat(first_pair, count[rows])
    object_of_pair = objects[start[row_of_pair] + step]
    overlaps = overlap_of_pairs(boxes[row_of_pair], object_boxes[object_of_pair], over_union=over_union)
    overlap[rows] = np.maximum.reduceat(overlaps, first_pair)
    is_best = np.flatnonzero(overlaps == overlap[row_of_pair])
    _, first = np.unique(row_of_pair[is_best], return_index=True)
    best[rows] = object_of_pair[is_best[first]]
    return best, overlap


def overlap_of_pairs(boxes: Floats, others: Floats, *, over_union: bool = True) -> Floats:
    """Return FP64 [P]: the intersection of two boxes, over their union or over the first one's area.

    Args:
        boxes: FP64 [P, 4]: x, y, width, height.
        others: FP64 [P, 4].
        over_union: False divides by the area of `boxes`, as for regions.
    """
    left_top = np.maximum(boxes[:, :2], others[:, :2])
    right_bottom = np.minimum(boxes[:, :2] + boxes[:, 2:], others[:, :2] + others[:, 2:])
    intersection = np.clip(right_bottom - left_top, 0, None).prod(axis=1)
    area = boxes[:, 2:].prod(axis=1)
    divisor = area + others[:, 2:].prod(axis=1) - intersection if over_union else area
    return np.divide(intersection, divisor, out=np.zeros(len(boxes)), where=divisor > 0)
