"""RetinaNet as slim as our FCOS head, so that the two differ in what the paper compares and not in size."""

import itertools
import math

from torch import Tensor, nn

from training.detector.backbone import STRIDES
from training.detector.ghost_pan import DepthwiseSeparable
from training.detector.retinanet_head import RetinaNetHead, RetinaNetOutputs

PRIOR = 0.01
"""RetinaNet, section 4.1: what an anchor believes of every class before the first step."""


class SlimRetinaNetHead(RetinaNetHead):
    """Anchors, targets and losses of RetinaNet behind the towers of `FCOSHead`.

    These are depth-wise separable, one for each level and shared by both branches; the output layers are 1x1.
    """

    def __init__(self, *, in_channels: int, num_classes: int, tower_depth: int, tower_channels: int) -> None:
        super().__init__(in_channels=tower_channels, num_classes=num_classes)
        self.in_channels = in_channels
        widths = [in_channels] + [tower_channels] * tower_depth
        self.towers = nn.ModuleList(
            nn.Sequential(*(DepthwiseSeparable(i, o) for i, o in itertools.pairwise(widths))) for _ in STRIDES
        )
        for branch, output in ((self.classification_head, "cls_logits"), (self.regression_head, "bbox_reg")):
            branch.conv = nn.Sequential()
            layer = nn.Conv2d(widths[-1], getattr(branch, output).out_channels, 1)
            nn.init.normal_(layer.weight, std=0.01)
            assert layer.bias is not None
            nn.init.constant_(layer.bias, -math.log((1 - PRIOR) / PRIOR) if output == "cls_logits" else 0.0)
            setattr(branch, output, layer)

    def forward(self, features_per_level: tuple[Tensor, ...]) -> RetinaNetOutputs:
        """Map P3..P7, each [N, C, H, W], to the outputs of all their anchors."""
        of_towers = (tower(features) for tower, features in zip(self.towers, features_per_level, strict=True))
        return super().forward(tuple(of_towers))
