"""GhostPAN: the feature pyramid of NanoDet-Plus (top-down, then bottom-up, of cheap "ghost" blocks), plus P7.

Every convolution carries its bias and no norm: the arrays we start from have batch norm folded in.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def _activation() -> nn.Module:
    return nn.LeakyReLU(0.1, inplace=True)


def depthwise(channels: int, kernel_size: int, *, stride: int = 1) -> nn.Conv2d:
    """Build a depth-wise convolution that keeps ceil(size / stride)."""
    return nn.Conv2d(channels, channels, kernel_size, stride, kernel_size // 2, groups=channels)


class DepthwiseSeparable(nn.Sequential):
    """Depth-wise then point-wise convolution, each with LeakyReLU; `out_channels` None is as many as come in."""

    def __init__(
        self, channels: int, out_channels: int | None = None, *, kernel_size: int = 5, stride: int = 1
    ) -> None:
        super().__init__(
            depthwise(channels, kernel_size, stride=stride),
            _activation(),
            nn.Conv2d(channels, out_channels or channels, 1),
            _activation(),
        )


class GhostBlock(nn.Module):
    """A ghost bottleneck with a depth-wise separable shortcut (GhostNet, sections 3.1 and 3.2).

    A ghost module computes half of its channels by a 1x1 convolution and derives the other half from them by a
    depth-wise 3x3 convolution.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.expand_primary = nn.Sequential(nn.Conv2d(in_channels, half, 1), _activation())
        self.expand_ghost = nn.Sequential(depthwise(half, 3), _activation())
        self.project_primary = nn.Conv2d(out_channels, half, 1)
        self.project_ghost = depthwise(half, 3)
        self.shortcut = nn.Sequential(depthwise(in_channels, 5), nn.Conv2d(in_channels, out_channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, in, H, W] to [N, out, H, W]."""
        primary = self.expand_primary(x)
        expanded = torch.cat([primary, self.expand_ghost(primary)], dim=1)
        primary = self.project_primary(expanded)
        projected = torch.cat([primary, self.project_ghost(primary)], dim=1)
        out: Tensor = projected + self.shortcut(x)
        return out


class GhostPAN(nn.Module):
    """C3..C5 to P3..P7, all of `channels` channels."""

    def __init__(self, in_channels: tuple[int, int, int], channels: int = 128) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(nn.Sequential(nn.Conv2d(c, channels, 1), _activation()) for c in in_channels)
        self.top_down_p4 = GhostBlock(2 * channels, channels)
        self.top_down_p3 = GhostBlock(2 * channels, channels)
        self.down_p3 = DepthwiseSeparable(channels, stride=2)
        self.bottom_up_p4 = GhostBlock(2 * channels, channels)
        self.down_p4 = DepthwiseSeparable(channels, stride=2)
        self.bottom_up_p5 = GhostBlock(2 * channels, channels)
        self.p6_from_c5 = DepthwiseSeparable(channels, stride=2)
        self.p6_from_p5 = DepthwiseSeparable(channels, stride=2)
        self.p7_from_p6 = DepthwiseSeparable(channels, stride=2)

    def forward(self, features: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Map C3, C4, C5 to P3, P4, P5, P6, P7 (strides 8, 16, 32, 64, 128)."""
        c3, c4, c5 = (reduce(c) for reduce, c in zip(self.reduce, features, strict=True))
        inner4 = self.top_down_p4(torch.cat([_double(c5), c4], dim=1))
        p3 = self.top_down_p3(torch.cat([_double(inner4), c3], dim=1))
        p4 = self.bottom_up_p4(torch.cat([self.down_p3(p3), inner4], dim=1))
        p5 = self.bottom_up_p5(torch.cat([self.down_p4(p4), c5], dim=1))
        p6 = self.p6_from_c5(c5) + self.p6_from_p5(p5)
        p7 = self.p7_from_p6(p6)
        return p3, p4, p5, p6, p7


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
