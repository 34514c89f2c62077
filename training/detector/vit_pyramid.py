"""A plain vision transformer with a simple feature pyramid (ViTDet), over torchvision's VisionTransformer."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import VisionTransformer
from torchvision.models.convnext import LayerNorm2d
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from training.detector.backbone import Backbone, FeaturePyramid

PATCH_SIZE_PX = 16


class ViTPyramid(Backbone):
    """ViT whose last map alone makes the pyramid (Exploring Plain ViT Backbones, section 3).

    Stride 8 by a deconvolution, 16 as it is, 32 by pooling, each followed by a 1x1 and a 3x3 convolution with layer
    norm; P6 and P7 are convolved from P5. Departures: attention is global in every block, since a 416x672 canvas has
    1,092 patches where ViTDet's 1024x1024 has 4,096; P2 is not made.

    Args:
        vit: with patches of 16 px, trained or not; becomes part of this.
        out_channels: of P3..P7.

    Raises:
        ValueError: the patches are of another size.
    """

    def __init__(self, *, vit: VisionTransformer, out_channels: int = 256) -> None:
        super().__init__(out_channels=out_channels)
        if vit.patch_size != PATCH_SIZE_PX:
            raise ValueError(f"the pyramid is made for patches of {PATCH_SIZE_PX} px, got {vit.patch_size}")
        self.vit = vit
        self.vit.heads = nn.Identity()  # no image classes here
        self._trained_grid = vit.image_size // vit.patch_size
        """Rows and columns that the position embeddings are trained for; those of other sizes are interpolated."""
        hidden_dim: int = vit.hidden_dim
        half = hidden_dim // 2
        self.to_p3 = nn.Sequential(
            nn.ConvTranspose2d(hidden_dim, half, kernel_size=2, stride=2), *_lateral(half, out_channels)
        )
        self.to_p4 = _lateral(hidden_dim, out_channels)
        self.to_p5 = nn.Sequential(nn.MaxPool2d(kernel_size=2), *_lateral(hidden_dim, out_channels))
        self.to_p6_p7 = LastLevelP6P7(out_channels, out_channels)

    def pyramid(self, images: Tensor) -> FeaturePyramid:
        """Map normalised images to P3..P7."""
        features = self._last_map(images)
        p3, p4, p5 = self.to_p3(features), self.to_p4(features), self.to_p5(features)
        (*_, p6, p7), _ = self.to_p6_p7([p3, p4, p5], [features], ["p3", "p4", "p5"])
        return p3, p4, p5, p6, p7

    def _last_map(self, images: Tensor) -> Tensor:
        """Map [N, 3, H, W] to [N, hidden_dim, H / 16, W / 16]."""
        patches = self.vit.conv_proj(images)
        height, width = patches.shape[-2:]
        tokens = patches.flatten(2).transpose(1, 2)
        # The class token is kept: the blocks were trained with it.
        tokens = torch.cat([self.vit.class_token.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        encoder = self.vit.encoder
        tokens = encoder.ln(encoder.layers(tokens + self._position_embeddings(height, width)))
        last_map: Tensor = tokens[:, 1:].transpose(1, 2).unflatten(2, (height, width))
        return last_map

    def _position_embeddings(self, height: int, width: int) -> Tensor:
        """Return [1, 1 + height * width, hidden_dim]."""
        of_class, of_patches = self.vit.encoder.pos_embedding.split([1, self._trained_grid**2], dim=1)
        grid = of_patches.transpose(1, 2).unflatten(2, (self._trained_grid, self._trained_grid))
        resized = F.interpolate(grid, size=(height, width), mode="bicubic", align_corners=False)
        return torch.cat([of_class, resized.flatten(2).transpose(1, 2)], dim=1)


def _lateral(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False),
        LayerNorm2d(out_channels, eps=1e-6),
        nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False),
        LayerNorm2d(out_channels, eps=1e-6),
    )
