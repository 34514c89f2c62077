"""What a training step sees: augmented photos of several data sets, batched by orientation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from training.data.augmentation import CanvasAugmentation
from training.data.coco_photos import LabelledPhoto
from training.data.letterbox import is_landscape


@dataclass(frozen=True, slots=True)
class TrainingSample:
    """One augmented photo."""

    pixels: Tensor
    """UINT8 [H, W, 3]"""
    boxes: Tensor
    """FP32 [M, 4] in canvas pixels"""
    class_indices: Tensor
    """INT64 [M], indices into the head's classes"""
    is_labelled: bool
    """Whether what carries no box is background; otherwise only a teacher can say."""


class TrainingPhotos(Dataset[TrainingSample]):
    """Photos whose boxes count, photos that hold none of the classes, and photos without labels for this head."""

    def __init__(
        self,
        labelled: Sequence[LabelledPhoto],
        negatives: Sequence[LabelledPhoto],
        unlabelled: Sequence[LabelledPhoto],
        class_names: Sequence[str],
        augmentation: CanvasAugmentation,
    ) -> None:
        self._photos = [*labelled, *negatives, *unlabelled]
        self._num_labelled = len(labelled) + len(negatives)
        self.negative_indices = range(len(labelled), self._num_labelled)
        self._class_index = {name: k for k, name in enumerate(class_names)}
        self._augmentation = augmentation

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, index: int) -> TrainingSample:
        photo = self._photos[index]
        is_labelled = index < self._num_labelled
        # Labels the head does not have are background to it: an Arduino head has nothing to say of a cat.
        known = [k for k, label in enumerate(photo.labels) if is_labelled and label in self._class_index]
        class_indices = torch.tensor([self._class_index[photo.labels[k]] for k in known], dtype=torch.int64)
        pixels, boxes, class_indices = self._augmentation(photo.open(), photo.boxes[known], class_indices)
        return TrainingSample(pixels, boxes, class_indices, is_labelled)

    def is_landscape(self, index: int) -> bool:
        """Whether the photo goes on the landscape canvas."""
        return is_landscape(self._photos[index].width_px, self._photos[index].height_px)


class OrientationBatches(Sampler[list[int]]):
    """Shuffled batches of one orientation each; the order depends on the seed and the epoch alone."""

    def __init__(self, photos: TrainingPhotos, *, batch_size: int, seed: int, negatives_share: float = 1.0) -> None:
        self._batch_size = batch_size
        self._seed = seed
        self.epoch = 0
        self._groups = [
            _Group(photos, is_landscape=wanted, negatives_share=negatives_share) for wanted in (True, False)
        ]

    def __len__(self) -> int:
        return sum(-(-len(group) // self._batch_size) for group in self._groups)

    def __iter__(self) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self.epoch)
        batches = []
        for group in self._groups:
            order = group.draw(generator)
            batches += [order[k : k + self._batch_size] for k in range(0, len(order), self._batch_size)]
        for k in torch.randperm(len(batches), generator=generator).tolist():
            yield batches[k]


class _Group:
    """The photos of one orientation, of whose negatives an epoch shows a part."""

    def __init__(self, photos: TrainingPhotos, *, is_landscape: bool, negatives_share: float) -> None:
        indices = [k for k in range(len(photos)) if photos.is_landscape(k) is is_landscape]
        self._always = [k for k in indices if k not in photos.negative_indices]
        self._negatives = [k for k in indices if k in photos.negative_indices]
        self._num_negatives = round(negatives_share * len(self._negatives))

    def __len__(self) -> int:
        return len(self._always) + self._num_negatives

    def draw(self, generator: torch.Generator) -> list[int]:
        """Return the photos of one epoch in random order."""
        negatives = torch.randperm(len(self._negatives), generator=generator)[: self._num_negatives].tolist()
        drawn = self._always + [self._negatives[k] for k in negatives]
        return [drawn[k] for k in torch.randperm(len(drawn), generator=generator).tolist()]
