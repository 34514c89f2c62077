"""The slim FCOS head: classification, centerness and box distances for every location of P3..P7."""

import itertools

from torch import Tensor, nn

from training.detector.fcos import FCOS, LevelMaps
from training.detector.fcos_outputs import expected_distances
from training.detector.ghost_pan import DepthwiseSeparable


class FCOSHead(FCOS):
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
        classified_locations: int = 0,
    ) -> None:
        super().__init__(in_channels=in_channels, num_classes=num_classes, classified_locations=classified_locations)
        self.distance_bins = distance_bins
        # Where FCOS takes 8: the last bin stands for 7, and nothing can be said beyond it.
        self.max_distance_in_strides = distance_bins - 1.0
        widths = [in_channels] + [tower_channels or in_channels] * tower_depth
        self.towers = nn.ModuleList(
            nn.Sequential(*(DepthwiseSeparable(i, o) for i, o in itertools.pairwise(widths))) for _ in range(levels)
        )
        classifiers = [nn.Conv2d(widths[-1], num_classes, 1) for _ in range(levels)]
        centerness = [nn.Conv2d(widths[-1], 1, 1) for _ in range(levels)]
        regressors = [nn.Conv2d(widths[-1], 4 * distance_bins, 1) for _ in range(levels)]
        objectness = [nn.Conv2d(widths[-1], 1, 1) for _ in range(levels if classified_locations else 0)]
        for layer in (*classifiers, *centerness, *regressors, *objectness):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(_bias(layer))
        for layer in (*classifiers, *objectness):
            # Focal loss, section 3.3: start from a prior of 0.01, or the background swamps the first steps.
            nn.init.constant_(_bias(layer), -4.595)
        self.classifiers = nn.ModuleList(classifiers)
        self.centerness = nn.ModuleList(centerness)
        self.regressors = nn.ModuleList(regressors)
        self.objectness = nn.ModuleList(objectness)

    def level_maps(self, level: int, features: Tensor) -> LevelMaps:
        """Map features [N, in_channels, H, W] of one level through its tower."""
        x = self.towers[level](features)
        objectness_logits = self.objectness[level](x) if self.classified_locations else None
        return LevelMaps(x, self.centerness[level](x), self.regressors[level](x), objectness_logits)

    def classifier(self, level: int) -> nn.Conv2d:
        """Return the level's own."""
        layer = self.classifiers[level]
        assert isinstance(layer, nn.Conv2d)
        return layer

    def class_layers(self) -> tuple[nn.Module, ...]:
        """Return the classifiers of all levels."""
        return (self.classifiers,)

    def distances(self, distance_logits: Tensor) -> Tensor:
        """Return the expectations over the bins."""
        return expected_distances(distance_logits)


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias
