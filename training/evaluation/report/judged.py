"""What the page is made of: detections that count, objects, and who found whom at IoU 0.5."""

from dataclasses import dataclass

import numpy as np
from faster_coco_eval.core import mask as run_lengths

from training.evaluation.accumulate import IouType
from training.evaluation.detections import Detections
from training.evaluation.ground_truth import Booleans, Floats, GroundTruth, Integers
from training.evaluation.masks import masks_of_detections, masks_of_objects
from training.evaluation.matching import NONE, Matches, match_boxes
from training.evaluation.openimages_protocol import OpenImagesJudgement

IOU_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Judged:
    """D detections and G objects (crowds and groups among them) of C classes."""

    ground_truth: GroundTruth
    images: Integers
    """INT64 [D]."""
    categories: Integers
    """INT64 [D]."""
    boxes: Floats
    """FP64 [D, 4]: x, y, width, height."""
    scores: Floats
    object_images: Integers
    """INT64 [G]."""
    object_categories: Integers
    object_boxes: Floats
    is_region: Booleans
    """BOOL [G]: a crowd or a group: what lies in it is neither right nor wrong."""
    is_original: Booleans
    """BOOL [G]: not the same box once more under the name of a class above its own."""
    matches: Matches

    @property
    def is_true(self) -> Booleans:
        """BOOL [D]: the first to find an object."""
        return self.matches.is_true

    @property
    def is_wrong(self) -> Booleans:
        """BOOL [D]: neither true nor in a region."""
        wrong: Booleans = ~self.matches.is_true & (self.matches.region == NONE)
        return wrong

    @property
    def objects_per_class(self) -> Integers:
        """INT64 [C]: regions not counted."""
        return np.bincount(self.object_categories[~self.is_region], minlength=len(self.ground_truth.categories))

    def found_at(self, threshold_of_class: Floats) -> Booleans:
        """Return BOOL [G]: found by a detection that scores at least its class's threshold, FP64 [C]."""
        sure = self.is_true & (self.scores >= threshold_of_class[self.categories])
        found = np.zeros(len(self.object_boxes), np.bool_)
        found[self.matches.best_object[sure]] = True
        return found


def judge_boxes(
    ground_truth: GroundTruth, detections: Detections, *, iou_type: IouType = "bbox", federated: bool = False
) -> Judged:
    """Match boxes as the page counts them; of masks the boxes around them.

    Args:
        ground_truth: the objects.
        detections: what was found.
        iou_type: `segm` where there are masks alone.
        federated: leave out detections that LVIS does not judge.
    """
    object_boxes, boxes = ground_truth.boxes, detections.boxes
    if iou_type == "segm":
        object_boxes = _boxes_around(masks_of_objects(ground_truth))
        boxes = _boxes_around(masks_of_detections(ground_truth, detections))
    classes = len(ground_truth.categories)
    groups = detections.images * classes + detections.categories
    object_groups = ground_truth.image_of_object * classes + ground_truth.category_of_object
    if federated:
        judged = np.isin(groups, np.union1d(object_groups, _listed(ground_truth, "neg_category_ids")))
        detections, boxes, groups = detections.only(judged), boxes[judged], groups[judged]
    matches = match_boxes(
        boxes=boxes,
        scores=detections.scores,
        groups=groups,
        object_boxes=object_boxes,
        object_groups=object_groups,
        is_region=ground_truth.is_crowd,
        threshold=IOU_THRESHOLD,
    )
    kept = np.ones(len(detections), np.bool_)
    if federated:
        unlabelled = np.isin(groups, _listed(ground_truth, "not_exhaustive_category_ids"))
        kept = ~unlabelled | matches.is_true
    return Judged(
        ground_truth=ground_truth,
        images=detections.images[kept],
        categories=detections.categories[kept],
        boxes=boxes[kept],
        scores=detections.scores[kept],
        object_images=ground_truth.image_of_object,
        object_categories=ground_truth.category_of_object,
        object_boxes=object_boxes,
        is_region=ground_truth.is_crowd,
        is_original=np.ones(len(ground_truth), np.bool_),
        matches=Matches(
            matches.best_object[kept], matches.best_overlap[kept], matches.is_true[kept], matches.region[kept]
        ),
    )


def judged_by_openimages(ground_truth: GroundTruth, judgement: OpenImagesJudgement) -> Judged:
    """Return what OpenImages' protocol has matched already."""
    sources = judgement.object_sources
    return Judged(
        ground_truth=ground_truth,
        images=judgement.detections.images,
        categories=judgement.detections.categories,
        boxes=judgement.detections.boxes,
        scores=judgement.detections.scores,
        object_images=judgement.object_images,
        object_categories=judgement.object_categories,
        object_boxes=judgement.object_boxes,
        is_region=judgement.is_group_of,
        is_original=judgement.object_categories == ground_truth.category_of_object[sources],
        matches=judgement.matches,
    )


def _listed(ground_truth: GroundTruth, key: str) -> Integers:
    classes = len(ground_truth.categories)
    listed = [
        index * classes + k
        for index in range(len(ground_truth.images))
        for k in ground_truth.category_positions(index, key, ignore_unknown=True)
    ]
    return np.array(listed, np.int64)


def _boxes_around(masks: list[dict[str, object]]) -> Floats:
    return np.asarray(run_lengths.toBbox(masks), np.float64).reshape(-1, 4) if masks else np.zeros((0, 4))
