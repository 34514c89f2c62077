"""Trunks of torchvision's parts: ResNets, ResNeXts and vision transformers."""

from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.models import ResNet, VisionTransformer

from training.embedder.trunk.trunk import Trunk


class ResNetTrunk(Trunk):
    """A ResNet or ResNeXt without its pooling and its image classes: 2048 channels at stride 32, none negative.

    Args:
        body: of bottleneck blocks, trained or not; becomes part of this.
    """

    def __init__(self, *, body: ResNet) -> None:
        super().__init__(out_channels=body.fc.in_features)
        self.body = body
        self.body.fc = nn.Identity()
        self.body.avgpool = nn.Identity()

    def features(self, images: Tensor) -> Tensor:
        """Map normalised images to features [N, 2048, ceil(S / 32), ceil(S / 32)]."""
        body = self.body
        x = body.maxpool(body.relu(body.bn1(body.conv1(images))))
        features: Tensor = body.layer4(body.layer3(body.layer2(body.layer1(x))))
        return features

    def parts_in_order(self) -> Sequence[nn.Module]:
        """Return the first convolution with its norm, then the four stages."""
        body = self.body
        return [nn.ModuleList([body.conv1, body.bn1]), body.layer1, body.layer2, body.layer3, body.layer4]


class ViTTrunk(Trunk):
    """A vision transformer's class token as a map of one cell.

    The token and not the patches: its attention has pooled them already, and it alone was taught by ImageNet's labels;
    the patches' last layer never was. Its features may be negative, so GeM does not apply to it.

    Args:
        vit: trained or not, for crops of `vit.image_size`; becomes part of this.
    """

    def __init__(self, *, vit: VisionTransformer) -> None:
        super().__init__(out_channels=vit.hidden_dim)
        self.vit = vit
        self.vit.heads = nn.Identity()

    def features(self, images: Tensor) -> Tensor:
        """Map normalised images FP32 [N, 3, S, S], S as the network was made for, to features [N, hidden_dim, 1, 1]."""
        class_token: Tensor = self.vit(images)
        return class_token[:, :, None, None]

    def parts_in_order(self) -> Sequence[nn.Module]:
        """Return the patches' projection, then the layers of the encoder; class token and positions always learn."""
        return [self.vit.conv_proj, *self.vit.encoder.layers]
