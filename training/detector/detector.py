"""Backbone and one head as one module."""

from typing import Any

from torch import Tensor, nn

from training.detector.backbone import Backbone
from training.detector.head import DetectionHead


class Detector(nn.Module):
    """Backbone and one head, trained together or the head alone."""

    def __init__(self, backbone: Backbone, head: DetectionHead[Any]) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, pixels: Tensor) -> tuple[Tensor | None, ...]:
        """Map pixels UINT8 [N, H, W, 3] to the head's outputs."""
        outputs: tuple[Tensor | None, ...] = self.head(self.backbone(pixels))
        return outputs
