"""LVIS's protocol: federated ground truth, at most 300 detections per image, rare classes by themselves.

The rules are those of the LVIS paper (Gupta, Dollár, Girshick 2019, section 2.2) and of the official lvis-api.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from training.evaluation.accumulate import Accumulated, IouType, accumulate
from training.evaluation.coco_protocol import instances_per_class
from training.evaluation.detections import Detections
from training.evaluation.errors import GroundTruthError
from training.evaluation.ground_truth import GroundTruth, Integers
from training.evaluation.json_values import json_values
from training.evaluation.parsed_inputs import parsed_inputs
from training.evaluation.weighted_ap50 import weighted_AP50

MAX_DETECTIONS_PER_IMAGE = 300
FREQUENCIES = ("r", "c", "f")
"""Rare, common and frequent: in up to 10, up to 100 and more images of the training set."""


@dataclass(frozen=True, slots=True)
class LvisMetrics:
    """Averages over the classes that have objects; all in [0, 1], NaN where nothing counts."""

    AP: float
    AP50: float
    AP75: float
    APs: float
    APm: float
    APl: float
    APr: float
    """Rare classes."""
    APc: float
    """Common classes."""
    APf: float
    """Frequent classes."""
    AR300: float
    ARs: float
    ARm: float
    ARl: float
    wAP50: float
    """AP50 weighted by each class's number of objects (GenOD, equation 1)."""
    AP50_per_class: dict[str, float] = field(default_factory=dict)
    AP_per_class: dict[str, float] = field(default_factory=dict)
    instances_per_class: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; None instead of NaN."""
        values: dict[str, Any] = json_values(asdict(self))
        return values


def evaluate_lvis(
    ground_truth: GroundTruth | Mapping[str, Any],
    detections: Detections | Sequence[Mapping[str, Any]],
    *,
    iou_type: IouType = "bbox",
    max_detections_per_image: int = MAX_DETECTIONS_PER_IMAGE,
) -> LvisMetrics:
    """Compare detections with a federated ground truth.

    Args:
        ground_truth: in LVIS's format: COCO's with `neg_category_ids` and `not_exhaustive_category_ids` per image (none
            where they are missing) and `frequency` per category; where that is missing, `image_count` says it.
        detections: COCO results.
        iou_type: compare boxes or masks.
        max_detections_per_image: the best of an image that count, all classes together.

    Raises:
        EvaluationError: one of the two is not what it should be.
    """
    ground_truth, detections = parsed_inputs(ground_truth, detections)
    detections = detections.only(best_per_image(detections, max_detections_per_image))
    accumulated = accumulate(
        ground_truth, detections, iou_type=iou_type, max_detections=(max_detections_per_image,), federated=True
    )
    return lvis_metrics(ground_truth, accumulated)


def lvis_metrics(ground_truth: GroundTruth, accumulated: Accumulated) -> LvisMetrics:
    """Sum up what was accumulated."""
    names = ground_truth.category_names
    frequencies = np.array([_frequency(category, ground_truth.source) for category in ground_truth.categories])
    of_frequency = {f: accumulated.average_precision(classes=frequencies == f) for f in FREQUENCIES}
    instances = instances_per_class(ground_truth)
    ap50_per_class = accumulated.average_precision_per_class(names, iou=0)
    return LvisMetrics(
        AP=accumulated.average_precision(),
        AP50=accumulated.average_precision(iou=0),
        AP75=accumulated.average_precision(iou=5),
        APs=accumulated.average_precision(area="small"),
        APm=accumulated.average_precision(area="medium"),
        APl=accumulated.average_precision(area="large"),
        APr=of_frequency["r"],
        APc=of_frequency["c"],
        APf=of_frequency["f"],
        AR300=accumulated.average_recall(),
        ARs=accumulated.average_recall(area="small"),
        ARm=accumulated.average_recall(area="medium"),
        ARl=accumulated.average_recall(area="large"),
        wAP50=weighted_AP50(ap50_per_class, instances),
        AP50_per_class=ap50_per_class,
        AP_per_class=accumulated.average_precision_per_class(names),
        instances_per_class={name: instances[name] for name in ap50_per_class},
    )


def best_per_image(detections: Detections, limit: int) -> Integers:
    """Return the positions of each image's best detections over all classes, in order; ties to the earlier one."""
    by_image_then_score = np.lexsort((-detections.scores, detections.images))
    images = detections.images[by_image_then_score]
    first_of_image = np.searchsorted(images, images)  # where the image's run of detections begins
    rank_in_image = np.arange(len(images)) - first_of_image
    return np.sort(by_image_then_score[rank_in_image < limit])


def _frequency(category: Mapping[str, Any], source: str) -> str:
    frequency = category.get("frequency")
    if frequency in FREQUENCIES:
        return str(frequency)
    if frequency is not None:
        raise GroundTruthError(f"{source}: category {category['id']!r}: frequency must be r, c or f, got {frequency!r}")
    images = category.get("image_count")
    if not isinstance(images, int):
        return ""
    return "r" if images <= 10 else "c" if images <= 100 else "f"
