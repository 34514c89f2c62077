"""Masks as the libraries compare them: run-length encoded."""

from collections.abc import Callable, Sequence
from typing import Any

from faster_coco_eval.core import mask as run_lengths

from training.evaluation.columns import Record
from training.evaluation.detections import Detections
from training.evaluation.errors import DetectionsError, GroundTruthError
from training.evaluation.ground_truth import GroundTruth


def masks_of_objects(ground_truth: GroundTruth) -> list[dict[str, Any]]:
    """Return the G masks of the objects.

    Raises:
        GroundTruthError: an object has no segmentation, or its image no width and height.
    """

    def fail(index: int, problem: str) -> GroundTruthError:
        return GroundTruthError(f"{ground_truth.source}: annotations[{index}]: {problem}")

    images = [ground_truth.images[i] for i in ground_truth.image_of_object]
    return _masks(ground_truth.annotations, images, fail)


def masks_of_detections(ground_truth: GroundTruth, detections: Detections) -> list[dict[str, Any]]:
    """Return the D masks of the detections.

    Raises:
        DetectionsError: a detection has no segmentation, or its image no width and height.
    """

    def fail(index: int, problem: str) -> DetectionsError:
        image_id = detections.records[index].get("image_id")
        return DetectionsError(f"{detections.source}: detections[{index}] (image {image_id!r}): {problem}")

    return _masks(detections.records, [ground_truth.images[i] for i in detections.images], fail)


def _masks(
    records: Sequence[Record], images: Sequence[Record], fail: Callable[[int, str], Exception]
) -> list[dict[str, Any]]:
    masks = []
    for index, (record, image) in enumerate(zip(records, images, strict=True)):
        segmentation = record.get("segmentation")
        if not segmentation:
            raise fail(index, "it has no segmentation; compare boxes instead (--iou-type bbox)")
        height, width = size = image.get("height"), image.get("width")
        if not (isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0):
            raise fail(index, f"its image {image['id']!r} needs height and width for masks, got {size}")
        try:
            masks.append(_run_lengths(segmentation, height, width))
        except (TypeError, ValueError, KeyError, IndexError, RuntimeError) as error:
            raise fail(index, f"its segmentation is neither polygons nor run lengths: {error}") from None
        if tuple(masks[-1]["size"]) != size:
            raise fail(index, f"its mask is of size {tuple(masks[-1]['size'])}, its image (height, width) {size}")
    return masks


def _run_lengths(segmentation: Any, height: int, width: int) -> dict[str, Any]:
    if isinstance(segmentation, dict):
        counts = segmentation["counts"]
        encoded = run_lengths.frPyObjects(segmentation, height, width) if isinstance(counts, list) else segmentation
        return {"size": list(encoded["size"]), "counts": encoded["counts"]}
    if not isinstance(segmentation, list) or any(not isinstance(p, list) or len(p) < 6 for p in segmentation):
        raise ValueError("a polygon needs at least three points x1, y1, x2, y2, ...")
    # One object may be in several pieces: a mask is their union.
    merged: dict[str, Any] = run_lengths.merge(run_lengths.frPyObjects(segmentation, height, width))
    return merged
