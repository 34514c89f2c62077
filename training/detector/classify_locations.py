"""A convolution over classes at some locations only."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def classify_locations(classifier: nn.Conv2d, features: Tensor, locations: Tensor) -> Tensor:
    """Return what a convolution says at some locations: one gather and one matrix product.

    Args:
        classifier: odd kernel, stride 1, padded to keep the size: 1x1 or 3x3.
        features: FP32 [N, channels, H, W].
        locations: INT64 [N, k], row * W + column.

    Returns:
        FP32 [N, k, classes], equal to the convolution's output at these locations.
    """
    size = classifier.kernel_size[0]
    margin = size // 2
    width = features.shape[-1]
    # (N, C, H, W) to (N, (H + 2 margin) * (W + 2 margin), C)
    rows_of_channels = F.pad(features, (margin,) * 4).flatten(2).transpose(1, 2)
    padded_width = width + 2 * margin
    taps = torch.arange(size, device=locations.device)
    offsets = (taps.unsqueeze(1) * padded_width + taps).flatten()
    row = locations // width
    first_tap = row * padded_width + (locations - row * width)
    images, padded_area, channels = rows_of_channels.shape
    first_of_image = torch.arange(images, device=locations.device).view(-1, 1, 1) * padded_area
    # (N, k, taps): rows of the whole batch, which one gather fetches
    neighbours = first_tap.unsqueeze(-1) + offsets + first_of_image
    gathered = rows_of_channels.reshape(-1, channels).index_select(0, neighbours.flatten())
    # (classes, C, size, size) to (classes, taps * C)
    weight = classifier.weight.permute(0, 2, 3, 1).flatten(1)
    return F.linear(gathered.view(images, -1, weight.shape[1]), weight, classifier.bias)
