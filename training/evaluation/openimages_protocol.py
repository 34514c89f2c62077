"""OpenImages' protocol: AP at IoU 0.5, expanded over the hierarchy, where labels were verified, with group-of boxes.

No library within reach has it. The rules are those of the OpenImages V2 and Challenge evaluators, as
`docs/EVALUATION.md` says them; their published cases are reproduced.

    metrics = evaluate_openimages(ground_truth, results, hierarchy=ClassHierarchy.load(Path("hierarchy.json")))
    metrics.AP50, metrics.AP50_per_class["/m/01yrx"]
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from training.evaluation.average_precision import average_precision, precision_recall
from training.evaluation.detections import Detections
from training.evaluation.errors import DetectionsError, GroundTruthError, ProtocolError
from training.evaluation.federation import expand_verified
from training.evaluation.ground_truth import Booleans, Floats, GroundTruth, Integers
from training.evaluation.hierarchy import ClassHierarchy
from training.evaluation.json_values import json_values
from training.evaluation.matching import NONE, Matches, match_boxes
from training.evaluation.parsed_inputs import parsed_inputs
from training.evaluation.weighted_ap50 import weighted_AP50

GROUP_OF_WEIGHT = 0.5
"""What a group-of box counts when nothing else is asked for."""
IOU_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class OpenImagesMetrics:
    """Over the classes that have objects once ground truth is expanded; all in [0, 1], NaN where nothing counts."""

    AP50: float
    wAP50: float
    """AP50 weighted by each class's number of objects (GenOD, equation 1)."""
    AP50_per_class: dict[str, float] = field(default_factory=dict)
    instances_per_class: dict[str, float] = field(default_factory=dict)
    """Objects after expansion, a group-of box counting as its weight."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; None instead of NaN."""
        values: dict[str, Any] = json_values(asdict(self))
        return values


@dataclass(frozen=True, slots=True)
class OpenImagesJudgement:
    """Everything that the metrics are made of: D detections that count, G objects after expansion, C classes."""

    detections: Detections
    """Those that count: valid boxes of classes that are verified in their image."""
    object_boxes: Floats
    object_images: Integers
    object_categories: Integers
    object_sources: Integers
    """INT64 [G]: the annotation that an object is, or is an expansion of."""
    is_group_of: Booleans
    matches: Matches
    instances: Floats
    """FP64 [C]: how much of each class there is to find."""


def evaluate_openimages(
    ground_truth: GroundTruth | Mapping[str, Any],
    detections: Detections | Sequence[Mapping[str, Any]],
    *,
    hierarchy: ClassHierarchy | None = None,
    group_of_weight: float = GROUP_OF_WEIGHT,
    expand_detections: bool = False,
) -> OpenImagesMetrics:
    """Compare detections with a ground truth in COCO's format.

    Args:
        ground_truth: `annotations[].is_group_of` marks boxes around several objects (where it is missing, `iscrowd`
            does); `images[].verified_category_ids` lists the classes of which somebody has said whether they are in the
            image. A file in which no image has such a list is taken as verified for all classes; where some have one,
            an image without it is verified for the classes of its boxes alone.
        detections: COCO results. They must name ancestors themselves, unless `expand_detections`.
        hierarchy: boxes count for all classes above their own; None leaves them as they are.
        group_of_weight: what one detection or more inside a group-of box counts, and the box among the objects to find.
            With 0 such boxes and what lies in them are ignored.
        expand_detections: copy every detection to all classes above its own first.

    Raises:
        EvaluationError: one of the inputs is not what it should be.
    """
    ground_truth, detections = parsed_inputs(ground_truth, detections)
    judgement = judge_openimages(
        ground_truth,
        detections,
        hierarchy=hierarchy,
        group_of_weight=group_of_weight,
        expand_detections=expand_detections,
    )
    return openimages_metrics(ground_truth, judgement, group_of_weight)


def judge_openimages(
    ground_truth: GroundTruth,
    detections: Detections,
    *,
    hierarchy: ClassHierarchy | None,
    group_of_weight: float,
    expand_detections: bool,
) -> OpenImagesJudgement:
    """Expand, filter and match; the arguments are those of `evaluate_openimages`."""
    if not 0 <= group_of_weight <= 1:
        raise ProtocolError(f"group-of weight must be from 0 to 1, got {group_of_weight}")
    if not detections.has_boxes:
        raise DetectionsError(f"{detections.source}: OpenImages' protocol compares boxes, and a detection has none")
    for index, annotation in enumerate(ground_truth.annotations):
        if annotation.get("bbox") is None:
            raise GroundTruthError(f"{ground_truth.source}: annotations[{index}]: it has no bbox")
    classes = len(ground_truth.categories)
    ancestors = (
        hierarchy.ancestors_of_categories(ground_truth.categories) if hierarchy else [frozenset[int]()] * classes
    )

    sources, object_categories = _expanded(ground_truth.category_of_object, ancestors)
    object_images = ground_truth.image_of_object[sources]
    is_group_of = ground_truth.is_group_of[sources]
    if expand_detections:
        rows, categories = _expanded(detections.categories, ancestors)
        detections = detections.relabelled(rows, categories)

    # A box without an area cannot be right; the challenge drops it rather than calling it wrong.
    counts = (detections.boxes[:, 2:] > 0).all(axis=1)
    verified = expand_verified(ground_truth, object_images, object_categories, ancestors)
    if verified is not None:
        counts &= verified[detections.images, detections.categories]
    detections = detections.only(counts)

    object_boxes = ground_truth.boxes[sources]
    matches = match_boxes(
        boxes=detections.boxes,
        scores=detections.scores,
        groups=detections.images * classes + detections.categories,
        object_boxes=object_boxes,
        object_groups=object_images * classes + object_categories,
        is_region=is_group_of,
        threshold=IOU_THRESHOLD,
    )
    weights = np.where(is_group_of, group_of_weight, 1.0)
    return OpenImagesJudgement(
        detections=detections,
        object_boxes=object_boxes,
        object_images=object_images,
        object_categories=object_categories,
        object_sources=sources,
        is_group_of=is_group_of,
        matches=matches,
        # Without objects numpy counts in integers.
        instances=np.bincount(object_categories, weights, minlength=classes).astype(np.float64),
    )


def openimages_metrics(
    ground_truth: GroundTruth, judgement: OpenImagesJudgement, group_of_weight: float
) -> OpenImagesMetrics:
    """Sum up what was judged."""
    ap50_per_class, instances_per_class = {}, {}
    images, categories, scores, values = scored_values(judgement, group_of_weight)
    by_category_then_image = np.lexsort((images, categories))  # stable: within an image the order stays
    bounds = np.searchsorted(categories[by_category_then_image], np.arange(len(ground_truth.categories) + 1))
    for k, name in enumerate(ground_truth.category_names):
        if judgement.instances[k] > 0:
            rows = by_category_then_image[bounds[k] : bounds[k + 1]]
            precision, recall = precision_recall(scores[rows], values[rows], judgement.instances[k])
            ap50_per_class[name] = average_precision(precision, recall)
            instances_per_class[name] = float(judgement.instances[k])
    return OpenImagesMetrics(
        AP50=float(np.mean(list(ap50_per_class.values()))) if ap50_per_class else float("nan"),
        wAP50=weighted_AP50(ap50_per_class, instances_per_class),
        AP50_per_class=ap50_per_class,
        instances_per_class=instances_per_class,
    )


def scored_values(judgement: OpenImagesJudgement, group_of_weight: float) -> tuple[Integers, Integers, Floats, Floats]:
    """Return images, categories, scores and values (1 right, 0 wrong) of what enters the curves.

    Detections inside a group-of box are left out; in their place stands one entry per such box, with the best of their
    scores and the box's weight as its value, unless that is 0.
    """
    detections, matches = judgement.detections, judgement.matches
    counts = matches.region == NONE
    images, categories = detections.images[counts], detections.categories[counts]
    scores, values = detections.scores[counts], matches.is_true[counts].astype(np.float64)
    if group_of_weight == 0:
        return images, categories, scores, values
    best_score = np.full(len(judgement.object_boxes), -np.inf)
    np.maximum.at(best_score, matches.region[~counts], detections.scores[~counts])
    found = np.flatnonzero(best_score > -np.inf)
    return (
        np.concatenate([images, judgement.object_images[found]]),
        np.concatenate([categories, judgement.object_categories[found]]),
        np.concatenate([scores, best_score[found]]),
        np.concatenate([values, np.full(len(found), group_of_weight)]),
    )


def _expanded(categories: Integers, ancestors: Sequence[frozenset[int]]) -> tuple[Integers, Integers]:
    """Return rows and their categories: each row once as it is and once per ancestor of its category."""
    labels = [np.array([k, *sorted(above)], np.int64) for k, above in enumerate(ancestors)]
    times = np.array([len(of_category) for of_category in labels], np.int64)[categories]
    rows = np.repeat(np.arange(len(categories)), times)
    if not len(rows):
        return rows, rows
    return rows, np.concatenate([labels[k] for k in categories])
