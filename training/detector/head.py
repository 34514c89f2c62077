"""What every detection head can do, so that nobody who trains, evaluates or exports one asks which it is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch import Tensor, nn

from training.detector.candidates import CANDIDATES_PER_IMAGE, Candidates

OutputsT = TypeVar("OutputsT", bound=tuple[Any, ...])

LevelSizes = Sequence[tuple[int, int]]
"""Height and width in cells of P3..P7."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundTruth:
    """What is known of a batch; N = images, C = classes of the head, M = objects of an image."""

    boxes_per_image: Sequence[Tensor]
    """N of FP32 [M, 4]: x1, y1, x2, y2 in canvas pixels."""
    class_indices_per_image: Sequence[Tensor]
    """N of INT64 [M]."""
    class_is_known: Tensor | None = None
    """BOOL [N, C]; False where an image's data set does not annotate a class, which is then no background there. None
    is everything."""
    is_ancestor: Tensor | None = None
    """BOOL [C, C]; [i, j] says that class j is a strict ancestor of class i, and so no background where i is the
    object. None is a flat list of classes."""


class DetectionHead(nn.Module, ABC, Generic[OutputsT]):
    """A head over P3..P7: FCOS, RetinaNet, or what comes next."""

    def __init__(self, *, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.num_classes = num_classes

    @abstractmethod
    def forward(self, features_per_level: tuple[Tensor, ...]) -> OutputsT:
        """Map P3..P7, each [N, in_channels, H, W], to a named tuple of tensors [N, ...] for `losses`."""

    @abstractmethod
    def losses(self, outputs: OutputsT, level_sizes: LevelSizes, truth: GroundTruth) -> dict[str, Tensor]:
        """Return the terms of the loss, scalars that do not grow with the batch, to be summed."""

    @abstractmethod
    def candidates(
        self, outputs: OutputsT, level_sizes: LevelSizes, class_ids: Tensor, *, count: int = CANDIDATES_PER_IMAGE
    ) -> Candidates:
        """Return the best `count` (box, class) pairs, with the id in `class_ids` INT32 [C] of each class."""

    @abstractmethod
    def class_layers(self) -> tuple[nn.Module, ...]:
        """Return the layers whose outputs are classes: what starts anew when the classes are others."""

    def detect(self, features_per_level: tuple[Tensor, ...], class_ids: Tensor) -> Candidates:
        """Return the candidates of features: what is evaluated and served. A head may know a shorter way to them."""
        return self.candidates(self(features_per_level), level_sizes_of(features_per_level), class_ids)


def level_sizes_of(features_per_level: Sequence[Tensor]) -> list[tuple[int, int]]:
    """Return height and width of feature maps [N, C, H, W]."""
    return [(f.shape[-2], f.shape[-1]) for f in features_per_level]


def outputs_of_images(outputs: OutputsT, images: Sequence[int]) -> OutputsT:
    """Return a head's outputs for some images of the batch; a field that the head does not fill stays None."""
    rows: list[Any] = [None if field is None else field[list(images)] for field in outputs]
    return type(outputs)(*rows)
