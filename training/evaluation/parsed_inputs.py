"""What every protocol is given, checked: a file's content, or what was parsed before."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evaluation.detections import Detections
from training.evaluation.ground_truth import GroundTruth


def parsed_inputs(
    ground_truth: GroundTruth | Mapping[str, Any], detections: Detections | Sequence[Mapping[str, Any]]
) -> tuple[GroundTruth, Detections]:
    """Parse what is not parsed yet.

    Args:
        ground_truth: in COCO's format.
        detections: COCO results.

    Raises:
        EvaluationError: one of the two is not what it should be.
    """
    if not isinstance(ground_truth, GroundTruth):
        ground_truth = GroundTruth.parse(ground_truth)
    if not isinstance(detections, Detections):
        detections = Detections.parse(detections, ground_truth)
    return ground_truth, detections
