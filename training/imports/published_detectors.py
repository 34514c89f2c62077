"""The detectors that torchvision publishes and our modules can hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torchvision.models.detection import FCOS_ResNet50_FPN_Weights, RetinaNet_ResNet50_FPN_Weights

from training.engine.recipe import Recipe

NO_CLASS = ("__background__", "N/A")
"""What COCO's 91 ids, which torchvision's layers count by, hold besides its 80 classes."""

DATA_SET = "coco_mini"
"""Whose labels are COCO's, in this order; a run is exported and evaluated on photos."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedDetector:
    """One entry of torchvision's collection."""

    weights: Any
    """Member of a torchvision weights enum: address, hash and class list."""
    recipe: Recipe
    """What an import's run folder says of its model."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that our head keeps, in the order of its rows."""
        return tuple(name for name in self.weights.meta["categories"] if name not in NO_CLASS)

    @property
    def rows(self) -> list[int]:
        """Of these classes among torchvision's."""
        return [row for row, name in enumerate(self.weights.meta["categories"]) if name not in NO_CLASS]


def _recipe(name: str, **model: Any) -> Recipe:
    # Whoever trains a copy of this recipe goes on from the import.
    return Recipe(
        head="head_generic", data_set=DATA_SET, architecture="resnet50_fpn", backbone_from=f"runs/{name}", **model
    )


PUBLISHED: Mapping[str, PublishedDetector] = {
    "fcos_resnet50_fpn_coco": PublishedDetector(
        weights=FCOS_ResNet50_FPN_Weights.COCO_V1,
        recipe=_recipe("fcos_resnet50_fpn_coco", detector="fcos", towers="full", tower_depth=4),
    ),
    "retinanet_resnet50_fpn_coco": PublishedDetector(
        weights=RetinaNet_ResNet50_FPN_Weights.COCO_V1,
        recipe=_recipe("retinanet_resnet50_fpn_coco", detector="retinanet"),
    ),
}
