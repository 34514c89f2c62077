"""COCO's protocol.

metrics = evaluate_coco(json.load(open("annotations.json")), json.load(open("results.json")))
metrics.AP, metrics.AP50_per_class["cat"], metrics.wAP50
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.evaluation.accumulate import Accumulated, IouType, accumulate
from training.evaluation.coco_metrics import CocoMetrics
from training.evaluation.detections import Detections
from training.evaluation.ground_truth import GroundTruth
from training.evaluation.parsed_inputs import parsed_inputs
from training.evaluation.weighted_ap50 import weighted_AP50

MAX_DETECTIONS = (1, 10, 100)


def evaluate_coco(
    ground_truth: GroundTruth | Mapping[str, Any],
    detections: Detections | Sequence[Mapping[str, Any]],
    *,
    iou_type: IouType = "bbox",
) -> CocoMetrics:
    """Compare detections with the ground truth as COCO does, but ids of 0 count, and so does an empty list.

    Args:
        ground_truth: in COCO's format.
        detections: COCO results: image_id, category_id, bbox [x, y, width, height] in pixels, score. At most the
            100 best of an image and class count.
        iou_type: compare boxes or masks.

    Raises:
        EvaluationError: one of the two is not what it should be.
    """
    ground_truth, detections = parsed_inputs(ground_truth, detections)
    accumulated = accumulate(ground_truth, detections, iou_type=iou_type, max_detections=MAX_DETECTIONS)
    return coco_metrics(ground_truth, accumulated)


def coco_metrics(ground_truth: GroundTruth, accumulated: Accumulated) -> CocoMetrics:
    """Sum up what was accumulated."""
    names = ground_truth.category_names
    instances = instances_per_class(ground_truth)
    ap50_per_class = accumulated.average_precision_per_class(names, iou=0)
    return CocoMetrics(
        AP=accumulated.average_precision(),
        AP50=accumulated.average_precision(iou=0),
        AP75=accumulated.average_precision(iou=5),
        AP50_per_class=ap50_per_class,
        AP_per_class=accumulated.average_precision_per_class(names),
        APs=accumulated.average_precision(area="small"),
        APm=accumulated.average_precision(area="medium"),
        APl=accumulated.average_precision(area="large"),
        AR1=accumulated.average_recall(limit=0),
        AR10=accumulated.average_recall(limit=1),
        AR100=accumulated.average_recall(limit=2),
        ARs=accumulated.average_recall(area="small"),
        ARm=accumulated.average_recall(area="medium"),
        ARl=accumulated.average_recall(area="large"),
        wAP50=weighted_AP50(ap50_per_class, instances),
        instances_per_class={name: instances[name] for name in ap50_per_class},
    )


def instances_per_class(ground_truth: GroundTruth) -> dict[str, float]:
    """Return how many objects each class has, crowd regions not counted."""
    counted = ground_truth.category_of_object[~ground_truth.is_crowd]
    counts = np.bincount(counted, minlength=len(ground_truth.categories))
    return {name: float(count) for name, count in zip(ground_truth.category_names, counts, strict=True)}
