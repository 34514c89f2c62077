"""ResNet with a feature pyramid: the backbone of the GenOD paper, from torchvision's parts."""

from torch import Tensor
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.resnet import ResNet
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from training.detector.backbone import Backbone, FeaturePyramid
from training.detector.deformable import make_deformable
from training.detector.fold_norms import fold_batch_norms


class ResNetFPN(Backbone):
    """ResNet's stages 2 to 4, a top-down pyramid over them, and P6, P7 convolved from P5 (FCOS, section 3.2).

    Batch norms are folded into the convolutions; see `fold_batch_norms`.

    Args:
        body: ResNet with bottleneck blocks, trained or not; becomes part of this.
        deformable_stages: those whose 3x3 convolutions are deformable; GenOD, section 5.1: 2, 3 and 4.
        out_channels: of P3..P7.
    """

    def __init__(
        self,
        *,
        body: ResNet,
        deformable_stages: tuple[int, ...] = (),
        out_channels: int = 256,
    ) -> None:
        super().__init__(out_channels=out_channels)
        self.network = BackboneWithFPN(
            body,
            return_layers={f"layer{stage}": str(stage) for stage in (2, 3, 4)},
            in_channels_list=[512, 1024, 2048],
            out_channels=out_channels,
            extra_blocks=LastLevelP6P7(out_channels, out_channels),
        )
        fold_batch_norms(self.network)
        for stage in deformable_stages:
            make_deformable(self.network.body[f"layer{stage}"])

    def pyramid(self, images: Tensor) -> FeaturePyramid:
        """Map normalised images to P3..P7."""
        p3, p4, p5, p6, p7 = self.network(images).values()
        return p3, p4, p5, p6, p7
