"""MobileNet v1 0.75, and its ImageNet weights as published for Keras (`backbone` of the data folder)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.embedder.errors import TrunkError
from training.embedder.trunk.trunk import Trunk

ARRAYS = "mobilenet_v1_0.75_224_imagenet.npz"
STEM_CHANNELS = 24
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
"""Of the depthwise convolution of each block."""
CHANNELS = (48, 96, 96, 192, 192, 384, 384, 384, 384, 384, 384, 768, 768)
"""After each block: 0.75 times those of MobileNet v1, table 1."""
NORM_EPS = 1e-3

ImageClassifier = tuple[Tensor, Tensor]
"""Weight [1000, 768] and bias [1000] of ImageNet's classes, in the order of `imagenet_classes.csv`."""


class MobileNetV1(Trunk):
    """MobileNet v1 with 0.75 of its channels: a convolution and 13 separable ones, 768 channels at stride 32.

    Maps are padded as TensorFlow does: with stride 2 an even map gets its border at the bottom and the right alone.
    """

    def __init__(self) -> None:
        super().__init__(out_channels=CHANNELS[-1], mean_rgb=(127.5, 127.5, 127.5), std_rgb=(127.5, 127.5, 127.5))
        self.conv1 = _NormedConv(3, STEM_CHANNELS, kernel_size=3, stride=2)
        inputs = (STEM_CHANNELS, *CHANNELS[:-1])
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    _NormedConv(before, before, kernel_size=3, stride=stride, groups=before),
                    _NormedConv(before, after, kernel_size=1),
                )
                for before, after, stride in zip(inputs, CHANNELS, STRIDES, strict=True)
            )
        )

    def features(self, images: Tensor) -> Tensor:
        """Map images FP32 [N, 3, S, S], -1..1, to features [N, 768, ceil(S / 32), ceil(S / 32)], 0..6."""
        features: Tensor = self.blocks(self.conv1(images))
        return features

    def parts_in_order(self) -> Sequence[nn.Module]:
        """Return the first convolution, then the 13 separable ones."""
        return [self.conv1, *self.blocks]


class _NormedConv(nn.Module):
    """Convolution, batch norm, ReLU6, in a layout that `fold_batch_norms` understands."""

    def __init__(
        self, in_channels: int, out_channels: int, *, kernel_size: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(out_channels, eps=NORM_EPS)
        self._kernel_size = kernel_size
        self._stride = stride
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_in", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        padded = F.pad(x, (*self._border(width), *self._border(height))) if self._kernel_size > 1 else x
        return F.relu6(self.norm(self.conv(padded)))

    def _border(self, size: int) -> tuple[int, int]:
        """Return the cells before and after, of which an odd one stands after: TensorFlow's SAME."""
        outputs = -(-size // self._stride)
        border = max((outputs - 1) * self._stride + self._kernel_size - size, 0)
        return border // 2, border - border // 2


def load_mobilenet_v1(trunk: MobileNetV1, folder: Path) -> ImageClassifier:
    """Copy the published arrays into a trunk whose norms are still there.

    Args:
        trunk: to be filled.
        folder: holds `mobilenet_v1_0.75_224_imagenet.npz`: convolutions [h, w, in, out], depthwise ones [h, w, in, 1],
            and of every norm gamma, beta, moving mean and variance, by Keras' layer names.

    Returns:
        The image classifier on top of average pooling, which is no part of a trunk.

    Raises:
        TrunkError: the file or an array is missing, or has another shape.
    """
    path = folder / ARRAYS
    if not path.is_file():
        raise TrunkError(
            f"no {path}: set GENOD_DATA to the folder that has backbone/{ARRAYS}, or start from imagenet or scratch"
        )
    try:
        with np.load(path, allow_pickle=False) as arrays:
            _copy_conv(trunk.conv1, arrays, "conv1/kernel", "conv1_bn")
            for number, block in enumerate(trunk.blocks, start=1):
                depthwise, pointwise = block.children()
                _copy_conv(depthwise, arrays, f"conv_dw_{number}/depthwise_kernel", f"conv_dw_{number}_bn")
                _copy_conv(pointwise, arrays, f"conv_pw_{number}/kernel", f"conv_pw_{number}_bn")
            weight = torch.from_numpy(arrays["conv_preds/kernel"][0, 0].T.copy())
            return weight, torch.from_numpy(arrays["conv_preds/bias"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise TrunkError(f"{path} does not hold MobileNet v1 0.75 by Keras' layer names: {error}") from error


def _copy_conv(into: nn.Module, arrays: "np.lib.npyio.NpzFile", kernel: str, norm: str) -> None:
    # (h, w, in, out) to (out, in, h, w); a depthwise (h, w, in, 1) to (in, 1, h, w)
    order = (2, 3, 0, 1) if kernel.endswith("depthwise_kernel") else (3, 2, 0, 1)
    names = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    state = {f"norm.{ours}": torch.from_numpy(arrays[f"{norm}/{theirs}"]) for ours, theirs in names.items()}
    state["norm.num_batches_tracked"] = torch.tensor(0)
    into.load_state_dict(state | {"conv.weight": torch.from_numpy(arrays[kernel].transpose(order).copy())})
