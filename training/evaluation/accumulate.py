"""Precision and recall per class, by faster-coco-eval: the matching of COCO and of LVIS."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from faster_coco_eval.core import mask as run_lengths
from faster_coco_eval.core.coco import COCO
from faster_coco_eval.core.faster_eval_api import COCOeval_faster

from training.evaluation.detections import Detections
from training.evaluation.errors import GroundTruthError, ProtocolError
from training.evaluation.ground_truth import Booleans, Floats, GroundTruth, Integers
from training.evaluation.masks import masks_of_detections, masks_of_objects

IouType = Literal["bbox", "segm"]

AREA_RANGES = ("all", "small", "medium", "large")
"""Below 32 x 32, below 96 x 96 and above, in square pixels."""
PAIRS_AT_ONCE = 50_000
"""The library keeps a list per image and class: LVIS's 20,000 x 1,200 would not fit into memory, and most are empty."""


@dataclass(frozen=True, slots=True)
class Accumulated:
    """T IoU thresholds 0.50 to 0.95, R recalls 0 to 1, C classes, A area ranges, M limits of detections per image.

    -1 marks classes without an object (in that range of areas).
    """

    precision: Floats
    """FP64 [T, R, C, A, M], never rising with recall."""
    recall: Floats
    """FP64 [T, C, A, M]."""
    scores: Floats
    """FP64 [T, R, C, A, M]: of the detection at which that recall is reached."""

    def average_precision(self, *, iou: int | None = None, area: str = "all", classes: Booleans | None = None) -> float:
        """Return the mean over what is not marked -1, at the largest limit; NaN where nothing is left.

        Args:
            iou: index of the only IoU threshold to count: 0 is 0.50, 5 is 0.75.
            area: one of AREA_RANGES.
            classes: BOOL [C], the only ones to count.
        """
        values = self.precision[..., AREA_RANGES.index(area), -1]
        values = values if iou is None else values[iou : iou + 1]
        return _mean(values if classes is None else values[:, :, classes])

    def average_recall(self, *, area: str = "all", limit: int = -1) -> float:
        """Return the mean over thresholds and classes; `limit` is an index of the limits of detections."""
        return _mean(self.recall[..., AREA_RANGES.index(area), limit])

    def average_precision_per_class(self, names: Sequence[str], *, iou: int | None = None) -> dict[str, float]:
        """Return it for each class that has objects."""
        values = self.precision[:, :, :, 0, -1] if iou is None else self.precision[iou : iou + 1, :, :, 0, -1]
        return {name: float(values[:, :, k].mean()) for k, name in enumerate(names) if (values[:, :, k] > -1).all()}


def accumulate(
    ground_truth: GroundTruth,
    detections: Detections,
    *,
    iou_type: IouType = "bbox",
    max_detections: tuple[int, ...] = (1, 10, 100),
    federated: bool = False,
) -> Accumulated:
    """Match detections with objects at all thresholds.

    Args:
        ground_truth: the objects.
        detections: what was found.
        iou_type: compare boxes or masks.
        max_detections: limits of detections per image and class, ascending.
        federated: as LVIS does: in an image count only classes that are in it or verified to be absent
            (`neg_category_ids`); of classes whose objects are not all labelled (`not_exhaustive_category_ids`) what
            matches no object is not counted.

    Raises:
        EvaluationError: boxes or masks are missing, or an image lists unknown categories.
    """
    objects, areas_of_objects = _shapes_of_objects(ground_truth, iou_type)
    found, areas_found = _shapes_of_detections(ground_truth, detections, iou_type)
    classes = len(ground_truth.categories)
    shape = (10, 101, classes, len(AREA_RANGES), len(max_detections))
    precision, scores, recall = -np.ones(shape), -np.ones(shape), -np.ones((shape[0], *shape[2:]))
    lists = [_federated_lists(ground_truth, i) if federated else {} for i in range(len(ground_truth.images))]

    for chosen, of_objects, of_detections in _groups_of_categories(ground_truth, detections):
        # What has neither object nor detection of these classes changes nothing.
        image_indices = np.union1d(ground_truth.image_of_object[of_objects], detections.images[of_detections])
        images = [{"id": int(i) + 1, **_size(ground_truth.images[i]), **lists[i]} for i in image_indices]
        categories = [{"id": int(k) + 1, "name": ground_truth.category_names[k], "frequency": "f"} for k in chosen]
        annotations = [
            {
                "id": int(i) + 1,  # 0 means "no match" to the library
                "image_id": int(ground_truth.image_of_object[i]) + 1,
                "category_id": int(ground_truth.category_of_object[i]) + 1,
                "area": float(areas_of_objects[i]),
                "iscrowd": int(ground_truth.is_crowd[i]),
                **objects[i],
            }
            for i in of_objects
        ]
        results = [
            {
                "id": int(i) + 1,
                "image_id": int(detections.images[i]) + 1,
                "category_id": int(detections.categories[i]) + 1,
                "area": float(areas_found[i]),
                "iscrowd": 0,
                "score": float(detections.scores[i]),
                **found[i],
            }
            for i in of_detections
        ]
        evaluation = COCOeval_faster(
            _library_dataset(images, categories, annotations),
            _library_dataset(images, categories, results),
            iou_type,
            lvis_style=federated,
        )
        evaluation.params.maxDets = list(max_detections)
        evaluation.evaluate()
        evaluation.accumulate()
        precision[:, :, chosen] = evaluation.eval["precision"]
        recall[:, chosen] = evaluation.eval["recall"]
        scores[:, :, chosen] = evaluation.eval["scores"]
    return Accumulated(precision, recall, scores)


def _shapes_of_objects(ground_truth: GroundTruth, iou_type: IouType) -> tuple[list[dict[str, Any]], Floats]:
    """What is compared of each object, and its area: as the file says, else its mask's or its box's."""
    if iou_type == "segm":
        masks = masks_of_objects(ground_truth)
        measured = _mask_areas(masks)
        given = np.array(["area" in a and a["area"] is not None for a in ground_truth.annotations], np.bool_)
        return [{"segmentation": mask} for mask in masks], np.where(given, ground_truth.areas, measured)
    for index, annotation in enumerate(ground_truth.annotations):
        if annotation.get("bbox") is None:
            raise GroundTruthError(
                f"{ground_truth.source}: annotations[{index}]: it has no bbox; compare masks instead (--iou-type segm)"
            )
    return [{"bbox": box} for box in ground_truth.boxes.tolist()], ground_truth.areas


def _shapes_of_detections(
    ground_truth: GroundTruth, detections: Detections, iou_type: IouType
) -> tuple[list[dict[str, Any]], Floats]:
    if iou_type == "segm":
        masks = masks_of_detections(ground_truth, detections)
        return [{"segmentation": mask} for mask in masks], _mask_areas(masks)
    if not detections.has_boxes:
        raise ProtocolError(f"{detections.source}: the detections have no bbox; compare masks (--iou-type segm)")
    areas = detections.boxes[:, 2] * detections.boxes[:, 3]
    return [{"bbox": box} for box in detections.boxes.tolist()], areas


def _mask_areas(masks: Sequence[dict[str, Any]]) -> Floats:
    return np.asarray(run_lengths.area(list(masks)), np.float64) if masks else np.zeros(0)


def _groups_of_categories(
    ground_truth: GroundTruth, detections: Detections
) -> Iterator[tuple[Integers, Integers, Integers]]:
    """Categories that have objects, a handful at a time, with the positions of their objects and detections."""
    present = np.unique(ground_truth.category_of_object)
    objects_by_category = np.argsort(ground_truth.category_of_object, kind="stable")
    detections_by_category = np.argsort(detections.categories, kind="stable")
    at_once = max(1, PAIRS_AT_ONCE // max(1, len(ground_truth.images)))
    for start in range(0, len(present), at_once):
        chosen = present[start : start + at_once]
        # Detections of classes without objects may lie in between: they change nothing.
        yield (
            chosen,
            _rows_between(ground_truth.category_of_object, objects_by_category, chosen[0], chosen[-1]),
            _rows_between(detections.categories, detections_by_category, chosen[0], chosen[-1]),
        )


def _rows_between(categories: Integers, by_category: Integers, first: int, last: int) -> Integers:
    in_order = categories[by_category]
    rows = by_category[np.searchsorted(in_order, first) : np.searchsorted(in_order, last, side="right")]
    return np.sort(rows)


def _federated_lists(ground_truth: GroundTruth, image_index: int) -> dict[str, list[int]]:
    # Files cut down to some categories still list the others, which then have no effect.
    return {
        key: [k + 1 for k in ground_truth.category_positions(image_index, key, ignore_unknown=True)]
        for key in ("neg_category_ids", "not_exhaustive_category_ids")
    }


def _size(image: Any) -> dict[str, Any]:
    return {key: image[key] for key in ("width", "height") if key in image}


def _library_dataset(images: Any, categories: Any, annotations: Any) -> COCO:
    dataset = COCO()
    dataset.dataset = {"images": images, "categories": categories, "annotations": annotations}
    dataset.createIndex()
    return dataset


def _mean(values: Floats) -> float:
    counted = values[values > -1]
    return float(counted.mean()) if counted.size else float("nan")
