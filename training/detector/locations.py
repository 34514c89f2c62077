"""Where the locations of the feature pyramid lie on the canvas."""

from collections.abc import Sequence

import torch
from torch import Tensor

from training.detector.backbone import STRIDES

LOCATION_OFFSET = 0.0
"""Part of a stride from a cell's corner to its location. FCOS puts it at 0.5; the arrays and weights we start from,
torchvision's among them, were trained with 0, and a shift of half a cell would first have to be unlearned."""


def pyramid_locations(
    feature_sizes: Sequence[tuple[int, int]], device: torch.device | None = None
) -> tuple[Tensor, Tensor]:
    """Return locations FP32 [L, 2] (x, y in canvas pixels) and strides FP32 [L], levels P3..P7, rows first."""
    locations, strides = [], []
    for (height, width), stride in zip(feature_sizes, STRIDES, strict=True):
        y, x = torch.meshgrid(
            torch.arange(height, dtype=torch.float32, device=device),
            torch.arange(width, dtype=torch.float32, device=device),
            indexing="ij",
        )
        locations.append((torch.stack([x, y], dim=-1).reshape(-1, 2) + LOCATION_OFFSET) * stride)
        strides.append(torch.full((height * width,), float(stride), device=device))
    return torch.cat(locations), torch.cat(strides)
