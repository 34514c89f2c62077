"""The FCOS head: classification, centerness and box distances for every location of P3..P7."""

import itertools
from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.detector.ghost_pan import DepthwiseSeparable


class HeadOutputs(NamedTuple):
    """What the head says of every location; L = locations of all levels, in the order P3..P7, rows first."""

    class_logits: Tensor
    """[N, L, classes]"""
    centerness_logits: Tensor
    """[N, L]"""
    distance_logits: Tensor
    """[N, L, 4, bins]: for left, top, right and bottom, the distribution whose expectation is the distance."""


def expected_distances(distance_logits: Tensor) -> Tensor:
    """Return the distances, >= 0, in units of the level's stride.

    Apart from the head, since it costs a third of it when done for every location, and few locations matter.

    Args:
        distance_logits: FP32 [..., bins]; bin k stands for the distance k.
    """
    bins = torch.arange(distance_logits.shape[-1], dtype=distance_logits.dtype, device=distance_logits.device)
    return (distance_logits.softmax(dim=-1) * bins).sum(dim=-1)


class FCOSHead(nn.Module):
    """A slim FCOS head (FCOS, section 3; Generalized Focal Loss, section 3.2 for the distances).

    Departures from FCOS, all for the sake of a head that costs less than the backbone on a CPU:

    - the towers are depth-wise separable, `tower_depth` deep and `tower_channels` wide (None is as wide as the
      features), and shared by classification and regression;
    - every level has its own towers (as in NanoDet-Plus, whose arrays we start from), where FCOS shares them: it costs
      parameters, not time;
    - a distance is the expectation over `distance_bins` bins of one stride each, not the exponential of one number:
      it is bounded by construction, so no `scale` per level is needed.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        num_classes: int,
        levels: int = 5,
        tower_depth: int = 2,
        tower_channels: int | None = None,
        distance_bins: int = 8,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.distance_bins = distance_bins
        widths = [in_channels] + [tower_channels or in_channels] * tower_depth
        self.towers = nn.ModuleList(
            nn.Sequential(*(DepthwiseSeparable(i, o) for i, o in itertools.pairwise(widths))) for _ in range(levels)
        )
        classifiers = [nn.Conv2d(widths[-1], num_classes, 1) for _ in range(levels)]
        centerness = [nn.Conv2d(widths[-1], 1, 1) for _ in range(levels)]
        regressors = [nn.Conv2d(widths[-1], 4 * distance_bins, 1) for _ in range(levels)]
        for layer in (*classifiers, *centerness, *regressors):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(_bias(layer))
        for classifier in classifiers:
            # Focal loss, section 3.3: start from a prior of 0.01, or the background swamps the first steps.
            nn.init.constant_(_bias(classifier), -4.595)
        self.classifiers = nn.ModuleList(classifiers)
        self.centerness = nn.ModuleList(centerness)
        self.regressors = nn.ModuleList(regressors)

    def forward(self, features_per_level: tuple[Tensor, ...]) -> HeadOutputs:
        """Map P3..P7, each [N, C, H, W], to the outputs of all their locations."""
        class_logits, centerness_logits, distance_logits = [], [], []
        for level, features in enumerate(features_per_level):
            x = self.towers[level](features)
            class_logits.append(_flatten_locations(self.classifiers[level](x)))
            centerness_logits.append(_flatten_locations(self.centerness[level](x)))
            distance_logits.append(_flatten_locations(self.regressors[level](x)))
        logits = torch.cat(distance_logits, dim=1)
        # (N, L, 4 * bins) to (N, L, 4, bins)
        logits = logits.view(logits.shape[0], -1, 4, self.distance_bins)
        return HeadOutputs(
            class_logits=torch.cat(class_logits, dim=1),
            centerness_logits=torch.cat(centerness_logits, dim=1).squeeze(-1),
            distance_logits=logits,
        )


def _flatten_locations(x: Tensor) -> Tensor:
    # (N, C, H, W) to (N, H * W, C)
    return x.flatten(2).transpose(1, 2)


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias
