"""FCOS's own head: two towers of four 3x3 convolutions, shared by all levels."""

from torch import Tensor, nn
from torchvision.models.detection.fcos import FCOSClassificationHead, FCOSRegressionHead

from training.detector.fcos import FCOS, LevelMaps
from training.detector.fcos_outputs import rectified_distances


class FullFCOSHead(FCOS):
    """The head of FCOS, figure 2, made of torchvision's layers, so that its published weights fit by name.

    A distance is the rectified output, in strides; no `scale` per level is learnt, since with targets divided by the
    stride there is nothing left for it to do (FCOS's improvements).

    Args:
        in_channels: of P3..P7; a multiple of 32, the groups of the group norms. The towers are as wide.
        num_classes: C.
        tower_depth: convolutions of each tower.
        classified_locations: see `FCOS`.
    """

    def __init__(
        self, *, in_channels: int, num_classes: int, tower_depth: int = 4, classified_locations: int = 0
    ) -> None:
        super().__init__(in_channels=in_channels, num_classes=num_classes, classified_locations=classified_locations)
        self.classification_head = FCOSClassificationHead(in_channels, 1, num_classes, tower_depth)
        self.regression_head = FCOSRegressionHead(in_channels, 1, tower_depth)
        # One class more, as far as a layer is concerned: it starts from the same prior.
        self.objectness = FCOSClassificationHead(in_channels, 1, 1, 0).cls_logits if classified_locations else None

    def level_maps(self, level: int, features: Tensor) -> LevelMaps:
        """Map features [N, in_channels, H, W] through both towers; the same for every level."""
        box_features = self.regression_head.conv(features)
        class_features = self.classification_head.conv(features)
        return LevelMaps(
            class_features=class_features,
            centerness_logits=self.regression_head.bbox_ctrness(box_features),
            distance_logits=self.regression_head.bbox_reg(box_features),
            objectness_logits=None if self.objectness is None else self.objectness(class_features),
        )

    def classifier(self, level: int) -> nn.Conv2d:
        """Return the one of all levels."""
        layer = self.classification_head.cls_logits
        assert isinstance(layer, nn.Conv2d)
        return layer

    def class_layers(self) -> tuple[nn.Module, ...]:
        """Return the classifier."""
        return (self.classification_head.cls_logits,)

    def distances(self, distance_logits: Tensor) -> Tensor:
        """Return the rectified outputs."""
        return rectified_distances(distance_logits)
