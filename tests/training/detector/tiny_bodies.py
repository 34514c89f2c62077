"""torchvision's networks, one block deep and narrow, in place of those that the recipes name."""

from functools import partial

import torch
from torch import nn
from torchvision.models import VisionTransformer, mobilenet_v3_large
from torchvision.models.resnet import Bottleneck, ResNet

from training.detector import build
from training.detector.deformable import ModulatedDeformConv2d


def _resnet(*, weights=None, zero_init_residual=False):
    return ResNet(Bottleneck, [1, 1, 1, 1])


def _vit(*, weights=None):
    return VisionTransformer(image_size=64, patch_size=16, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=64)


def use_tiny_bodies(monkeypatch):
    """Let every architecture be built tiny."""
    for name in ("resnet50", "resnet101"):
        monkeypatch.setitem(build.BODIES, name, (_resnet, None))
    monkeypatch.setitem(build.BODIES, "mobilenet_v3_large", (partial(mobilenet_v3_large), None))
    monkeypatch.setitem(build.BODIES, "vit_b_16", (_vit, None))


@torch.no_grad()
def keep_signals_alive(module: nn.Module) -> None:
    """Give random layers the variance that lets a difference be seen at the outputs, and deformable ones offsets."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    for layer in module.modules():
        if isinstance(layer, ModulatedDeformConv2d):
            nn.init.normal_(layer.offsets_and_weights.weight, std=0.02)
