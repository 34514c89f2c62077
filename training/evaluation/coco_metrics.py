"""COCO metrics of detections, by pycocotools."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


@dataclass(frozen=True, slots=True)
class CocoMetrics:
    """Averages over the classes that have objects; all in [0, 1], NaN where nothing counts."""

    AP: float
    AP50: float
    AP75: float
    AP50_per_class: dict[str, float]
    AP_per_class: dict[str, float]
    """Averaged over the IoU thresholds from 0.50 to 0.95."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def evaluate_boxes(ground_truth: COCO, detections: Sequence[dict[str, Any]]) -> CocoMetrics:
    """Compare detections with the ground truth.

    Args:
        ground_truth: As pycocotools holds it.
        detections: COCO results: image_id, category_id (the data set's own), bbox [x, y, w, h] in pixels, score. At
            most the 100 best of an image count.
    """
    names = {c["id"]: c["name"] for c in ground_truth.dataset["categories"]}
    if not detections:  # pycocotools refuses an empty list
        present = {a["category_id"] for a in ground_truth.dataset["annotations"]}
        nothing = {names[i]: 0.0 for i in sorted(present)}
        return CocoMetrics(0.0, 0.0, 0.0, nothing, dict(nothing))
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(ground_truth, ground_truth.loadRes(list(detections)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    # precision: IoU thresholds (T) x recalls (R) x classes (K) x areas (A) x detections per image (M)
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    counted = {  # -1 marks a class without an object
        names[category_id]: precision[:, :, k]
        for k, category_id in enumerate(evaluation.params.catIds)
        if (precision[:, :, k] > -1).all()
    }
    average, average_50, average_75 = (float(v) for v in evaluation.stats[:3])
    return CocoMetrics(
        average,
        average_50,
        average_75,
        AP50_per_class={name: float(np.mean(of_class[0])) for name, of_class in counted.items()},
        AP_per_class={name: float(np.mean(of_class)) for name, of_class in counted.items()},
    )
