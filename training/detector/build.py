"""From a recipe to a detector: the table of architectures and heads."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torchvision.models import (
    MobileNet_V3_Large_Weights,
    ResNet50_Weights,
    ResNet101_Weights,
    ViT_B_16_Weights,
    mobilenet_v3_large,
    resnet50,
    resnet101,
    vit_b_16,
)

from training.detector.backbone import Backbone, SharedBackbone
from training.detector.detector import Detector
from training.detector.fcos_head import FCOSHead
from training.detector.full_fcos_head import FullFCOSHead
from training.detector.head import DetectionHead
from training.detector.mobilenet_fpn import MobileNetFPN
from training.detector.resnet_fpn import ResNetFPN
from training.detector.retinanet_head import RetinaNetHead
from training.detector.vit_pyramid import ViTPyramid
from training.engine.recipe import Architecture, Recipe

DCN_STAGES = (2, 3, 4)
"""GenOD, section 5.1."""


BODIES: dict[str, tuple[Callable[..., Any], Any]] = {
    "resnet50": (resnet50, ResNet50_Weights.IMAGENET1K_V1),
    "resnet101": (resnet101, ResNet101_Weights.IMAGENET1K_V1),
    "mobilenet_v3_large": (mobilenet_v3_large, MobileNet_V3_Large_Weights.IMAGENET1K_V2),
    "vit_b_16": (vit_b_16, ViT_B_16_Weights.IMAGENET1K_V1),
}
"""What makes a network of torchvision's, and what ImageNet taught it."""


def _resnet(name: str, deformable_stages: tuple[int, ...], *, imagenet: bool, channels: int) -> Backbone:
    make, weights = BODIES[name]
    # Without norms a block of random numbers doubles the variance; one that starts as the identity does not.
    body = make(weights=weights) if imagenet else make(weights=None, zero_init_residual=True)
    return ResNetFPN(body=body, deformable_stages=deformable_stages, out_channels=channels)


def _mobilenet(*, imagenet: bool, channels: int) -> Backbone:
    make, weights = BODIES["mobilenet_v3_large"]
    return MobileNetFPN(body=make(weights=weights if imagenet else None), out_channels=channels)


def _vit(*, imagenet: bool, channels: int) -> Backbone:
    make, weights = BODIES["vit_b_16"]
    return ViTPyramid(vit=make(weights=weights if imagenet else None), out_channels=channels)


def _shufflenet(*, imagenet: bool, channels: int) -> Backbone:
    return SharedBackbone()


_BACKBONES: Mapping[Architecture, Callable[..., Backbone]] = {
    "shufflenet_ghostpan": _shufflenet,
    "resnet50_fpn": partial(_resnet, "resnet50", ()),
    "resnet50_fpn_dcn": partial(_resnet, "resnet50", DCN_STAGES),
    "resnet101_fpn": partial(_resnet, "resnet101", ()),
    "resnet101_fpn_dcn": partial(_resnet, "resnet101", DCN_STAGES),
    "mobilenet_v3_fpn": _mobilenet,
    "vit_simple_pyramid": _vit,
}


def build_backbone(recipe: Recipe, *, imagenet: bool = False) -> Backbone:
    """Build a recipe's backbone from random numbers, or with what ImageNet taught its body."""
    return _BACKBONES[recipe.architecture](imagenet=imagenet, channels=recipe.pyramid_channels)


def channels_of(recipe: Recipe) -> int:
    """Return the width of P3..P7 of a recipe's backbone."""
    return SharedBackbone.out_channels if recipe.architecture == "shufflenet_ghostpan" else recipe.pyramid_channels


def build_head(recipe: Recipe, *, in_channels: int, num_classes: int) -> DetectionHead[Any]:
    """Build the head that a recipe describes."""
    if recipe.detector == "retinanet":
        return RetinaNetHead(in_channels=in_channels, num_classes=num_classes)
    if recipe.towers == "full":
        return FullFCOSHead(
            in_channels=in_channels,
            num_classes=num_classes,
            tower_depth=recipe.tower_depth,
            classified_locations=recipe.classified_locations,
        )
    return FCOSHead(
        in_channels=in_channels,
        num_classes=num_classes,
        tower_depth=recipe.tower_depth,
        tower_channels=recipe.tower_channels,
        classified_locations=recipe.classified_locations,
    )


def build_detector(recipe: Recipe, *, num_classes: int, imagenet: bool = False) -> Detector:
    """Build a recipe's detector; its head's weights are random."""
    backbone = build_backbone(recipe, imagenet=imagenet)
    return Detector(backbone, build_head(recipe, in_channels=channels_of(recipe), num_classes=num_classes))


def detector_of_state(recipe: Recipe, state: Mapping[str, Tensor]) -> Detector:
    """Build a recipe's detector with the weights of a run, from which also the number of classes is read."""
    one_class = build_head(recipe, in_channels=channels_of(recipe), num_classes=1)
    ours = {f"head.{name}": len(value) for name, value in one_class.state_dict().items()}
    biases = {name for layer in one_class.class_layers() for name in _bias_names(one_class, layer)}
    name = sorted(biases)[0]
    detector = build_detector(recipe, num_classes=len(state[name]) // ours[name])
    detector.load_state_dict(state)
    return detector


def _bias_names(head: DetectionHead[Any], layer: torch.nn.Module) -> list[str]:
    own = {id(p) for p in layer.parameters()}
    return [f"head.{name}" for name, p in head.named_parameters() if id(p) in own and name.endswith("bias")]
