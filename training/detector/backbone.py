"""A backbone as it is served: letterboxed pixels in, P3..P7 out."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from training.detector.ghost_pan import GhostPAN
from training.detector.shufflenet import ShuffleNetTrunk

STRIDES = (8, 16, 32, 64, 128)
"""Pixels of the canvas per cell of P3..P7."""

PIXEL_MEAN_RGB = (123.675, 116.28, 103.53)
PIXEL_STD_RGB = (58.395, 57.12, 57.375)


FeaturePyramid = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
"""P3..P7"""


class Backbone(nn.Module, ABC):
    """The part that all heads share and that stays fixed when one is added.

    Normalisation is inside, so that what goes over the wire is one byte a channel and a client of the graph
    cannot normalise differently.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, *, out_channels: int) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.register_buffer("pixel_mean", torch.tensor(PIXEL_MEAN_RGB).view(3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(PIXEL_STD_RGB).view(3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> FeaturePyramid:
        """Map RGB pixels UINT8 [N, H, W, 3] to P3..P7, FP32 [N, out_channels, ceil(H / stride), ceil(W / stride)].

        Height and width are multiples of 32.
        """
        images = pixels.permute(0, 3, 1, 2).float()
        return self.pyramid((images - self.pixel_mean) / self.pixel_std)

    @abstractmethod
    def pyramid(self, images: Tensor) -> FeaturePyramid:
        """Map normalised images FP32 [N, 3, H, W] to P3..P7."""


class SharedBackbone(Backbone):
    """ShuffleNetV2 1.5x with GhostPAN: the backbone of the demo."""

    out_channels = 128

    def __init__(self) -> None:
        super().__init__(out_channels=SharedBackbone.out_channels)
        self.trunk = ShuffleNetTrunk()
        self.neck = GhostPAN(ShuffleNetTrunk.out_channels, self.out_channels)

    def pyramid(self, images: Tensor) -> FeaturePyramid:
        """Map normalised images to P3..P7."""
        features: FeaturePyramid = self.neck(self.trunk(images))
        return features
