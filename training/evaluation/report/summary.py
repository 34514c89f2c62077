"""What a page is told besides the detections themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.evaluation.ground_truth import Floats


@dataclass(frozen=True, slots=True)
class Summary:
    """What a page says at its top, and where its per-class figures come from."""

    title: str
    protocol: str
    headline: Mapping[str, float]
    AP50_per_class: Mapping[str, float]
    AP_per_class: Mapping[str, float]
    curves: Sequence[tuple[str, Floats]]
    """Mean precision over the classes at recalls 0 to 1, FP64 [R], per IoU threshold."""
    notes: Sequence[str] = ()
