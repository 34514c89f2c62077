"""What every trunk is: crops in, a feature map out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

IMAGENET_MEAN_RGB = (123.675, 116.28, 103.53)
IMAGENET_STD_RGB = (58.395, 57.12, 57.375)


class Trunk(nn.Module, ABC):
    """The network below the pooling.

    Normalisation is inside, so that who cuts the crops cannot do it differently.

    Args:
        out_channels: C of the feature map.
        mean_rgb: subtracted from the crops' 0..255 values.
        std_rgb: divides them then.
    """

    mean_rgb: Tensor
    std_rgb: Tensor

    def __init__(
        self,
        *,
        out_channels: int,
        mean_rgb: tuple[float, float, float] = IMAGENET_MEAN_RGB,
        std_rgb: tuple[float, float, float] = IMAGENET_STD_RGB,
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.register_buffer("mean_rgb", torch.tensor(mean_rgb).view(3, 1, 1), persistent=False)
        self.register_buffer("std_rgb", torch.tensor(std_rgb).view(3, 1, 1), persistent=False)

    def forward(self, crops: Tensor) -> Tensor:
        """Map crops FP32 [N, 3, S, S], RGB 0..255, to features FP32 [N, C, h, w]."""
        return self.features((crops - self.mean_rgb) / self.std_rgb)

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """Map normalised images FP32 [N, 3, S, S] to features FP32 [N, C, h, w]."""

    @abstractmethod
    def parts_in_order(self) -> Sequence[nn.Module]:
        """Return the blocks from the pixels up, of which a run may keep the first ones as they are."""
