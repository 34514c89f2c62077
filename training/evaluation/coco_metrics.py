"""What COCO's evaluation says of a detector."""

from dataclasses import asdict, dataclass, field
from typing import Any

from training.evaluation.json_values import json_values

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class CocoMetrics:
    """Averages over the classes that have objects; all in [0, 1], NaN where nothing counts."""

    AP: float
    """Averaged over the IoU thresholds from 0.50 to 0.95, as everything without a threshold in its name."""
    AP50: float
    AP75: float
    AP50_per_class: dict[str, float]
    AP_per_class: dict[str, float]
    APs: float = NAN
    """Objects below 32 x 32 pixels."""
    APm: float = NAN
    APl: float = NAN
    """Objects above 96 x 96 pixels."""
    AR1: float = NAN
    """Recall with one detection per image and class."""
    AR10: float = NAN
    AR100: float = NAN
    ARs: float = NAN
    ARm: float = NAN
    ARl: float = NAN
    wAP50: float = NAN
    """AP50 weighted by each class's number of objects (GenOD, equation 1)."""
    instances_per_class: dict[str, float] = field(default_factory=dict)
    """Objects, crowd regions not counted."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; None instead of NaN."""
        values: dict[str, Any] = json_values(asdict(self))
        return values
