"""MobileNetV3 with a feature pyramid, from torchvision's parts."""

from torch import Tensor
from torchvision.models import MobileNetV3
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from training.detector.backbone import Backbone, FeaturePyramid
from training.detector.fold_norms import fold_batch_norms

_LAST_BLOCK_PER_STRIDE = {"6": "c3", "12": "c4", "16": "c5"}
_CHANNELS = [40, 112, 960]
"""Of those blocks' outputs, at strides 8, 16 and 32."""


class MobileNetFPN(Backbone):
    """MobileNetV3 large: the last block of each stride, a top-down pyramid over them, and P6, P7 convolved from P5.

    Batch norms are folded into the convolutions; see `fold_batch_norms`.

    Args:
        body: MobileNetV3 large, trained or not; becomes part of this.
        out_channels: of P3..P7.
    """

    def __init__(self, *, body: MobileNetV3, out_channels: int = 128) -> None:
        super().__init__(out_channels=out_channels)
        self.network = BackboneWithFPN(
            body.features,
            return_layers=_LAST_BLOCK_PER_STRIDE,
            in_channels_list=_CHANNELS,
            out_channels=out_channels,
            extra_blocks=LastLevelP6P7(out_channels, out_channels),
        )
        fold_batch_norms(self.network)

    def pyramid(self, images: Tensor) -> FeaturePyramid:
        """Map normalised images to P3..P7."""
        p3, p4, p5, p6, p7 = self.network(images).values()
        return p3, p4, p5, p6, p7
