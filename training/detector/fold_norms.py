"""Batch norms folded into the convolutions before them."""

from itertools import pairwise
from typing import Any

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torchvision.ops import DeformConv2d, FrozenBatchNorm2d


def fold_batch_norms(network: nn.Module) -> None:
    """Give every convolution that a batch norm follows the norm's scale and shift, in place.

    A few images a step give poor batch statistics, so detectors freeze them; frozen, a norm is no more than a scale
    and a shift. Folded, parameters keep their names in an exported graph, and eager PyTorch saves the extra pass.
    The layers of `network` must run in the order in which they are registered, as torchvision's do.
    """
    for module in list(network.modules()):
        for (_, first), (name, second) in pairwise(list(module.named_children())):
            is_conv = isinstance(first, nn.Conv2d | DeformConv2d)
            if is_conv and isinstance(second, nn.BatchNorm2d | FrozenBatchNorm2d):
                _fold(first, second)
                setattr(module, name, nn.Identity())


def _fold(conv: Any, norm: Any) -> None:
    conv.weight, conv.bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    )
    # The fused bias takes no gradient where the convolution had no bias of its own.
    conv.requires_grad_()
