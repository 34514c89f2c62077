"""Modulated deformable convolution: where to look and how much of it to take, learnt from the features."""

import torch
from torch import Tensor, nn
from torchvision.ops import DeformConv2d


class ModulatedDeformConv2d(nn.Module):
    """DCNv2 in place of a convolution (Deformable ConvNets v2, section 3.2).

    One further convolution predicts per location and tap an offset in x and y and a weight in [0, 1]. It starts at 0:
    no offset, and every tap at half its weight; the taps start doubled, so that the whole starts as the convolution it
    replaces, where the paper starts at half of it.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        # Of a square convolution, as all of ResNet's are.
        (size, _), (stride, _), (dilation, _) = conv.kernel_size, conv.stride, conv.dilation
        padding = dilation * (size // 2)
        self._taps = size * size
        self.offsets_and_weights = nn.Conv2d(conv.in_channels, 3 * self._taps, size, stride, padding, dilation)
        nn.init.zeros_(self.offsets_and_weights.weight)
        assert self.offsets_and_weights.bias is not None
        nn.init.zeros_(self.offsets_and_weights.bias)
        self.conv = DeformConv2d(
            conv.in_channels,
            conv.out_channels,
            size,
            stride,
            padding,
            dilation,
            conv.groups,
            bias=True,
        )
        with torch.no_grad():
            self.conv.weight.copy_(conv.weight * 2)
            self.conv.bias.zero_() if conv.bias is None else self.conv.bias.copy_(conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] to [N, out, H', W']."""
        offsets, weights = self.offsets_and_weights(x).split([2 * self._taps, self._taps], dim=1)
        out: Tensor = self.conv(x, offsets, weights.sigmoid())
        return out


def make_deformable(stage: nn.Module) -> None:
    """Replace every 3x3 convolution of a stage, in place."""
    for module in list(stage.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Conv2d) and child.kernel_size == (3, 3):
                setattr(module, name, ModulatedDeformConv2d(child))
