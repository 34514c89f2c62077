"""What a training step sees: augmented photos of several data sets, batched by orientation."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from training.data.augmentation import CanvasAugmentation
from training.data.labelled_photo import LabelledPhoto
from training.data.letterbox import FILL_RGB, LANDSCAPE_CANVAS_HW, PORTRAIT_CANVAS_HW, is_landscape


@dataclass(frozen=True, slots=True)
class TrainingSample:
    """One augmented photo."""

    pixels: Tensor
    """UINT8 [H, W, 3]"""
    boxes: Tensor
    """FP32 [M, 4] in canvas pixels"""
    class_indices: Tensor
    """INT64 [M], indices into the head's classes"""
    class_is_known: Tensor
    """BOOL [classes]: whether the photo's data set annotates the class, so that no box means no such object"""
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
        *,
        augmentation_of_set: Mapping[str, CanvasAugmentation] = MappingProxyType({}),
        is_ancestor: Tensor | None = None,
    ) -> None:
        """Arrange the photos.

        Args:
            labelled: whose boxes count; a photo that is there twice is shown twice.
            negatives: which hold none of the classes.
            unlabelled: which may hold any.
            class_names: the head's classes, as the photos' labels name them.
            augmentation: of sets that `augmentation_of_set` does not name.
            augmentation_of_set: by the name of the data set.
            is_ancestor: BOOL [C, C]; [i, j] says that class j is a strict ancestor of class i. None is a flat list.
        """
        self._photos = [*labelled, *negatives, *unlabelled]
        self._num_labelled = len(labelled) + len(negatives)
        self.negative_indices = range(len(labelled), self._num_labelled)
        self._class_index = {name: k for k, name in enumerate(class_names)}
        self._augmentation = augmentation
        self._augmentation_of_set = augmentation_of_set
        self.is_ancestor = is_ancestor

    def __len__(self) -> int:
        return len(self._photos)

    @property
    def photos(self) -> Sequence[LabelledPhoto]:
        """The photos as they lie on disk, by index; one that is shown twice is there twice."""
        return self._photos

    def __getitem__(self, index: int) -> TrainingSample:
        try:
            pixels, boxes, label_rows = self.augmented(index)
        except OSError as error:
            return self._blank(index, error)
        class_indices = [self.class_index(index, row) for row in label_rows.tolist()]
        known = [k for k, class_index in enumerate(class_indices) if class_index is not None]
        return TrainingSample(
            pixels,
            boxes[known].reshape(-1, 4),
            torch.tensor([class_indices[k] for k in known], dtype=torch.int64),
            self.class_is_known(index),
            index < self._num_labelled,
        )

    def _blank(self, index: int, error: OSError) -> TrainingSample:
        """Stand in for a photo that could be read before training and no longer can: nothing is known of it."""
        print(f"left out, cannot be read: {self._photos[index].path}: {error}", file=sys.stderr, flush=True)
        canvas_hw = LANDSCAPE_CANVAS_HW if self.is_landscape(index) else PORTRAIT_CANVAS_HW
        return TrainingSample(
            pixels=torch.tensor(FILL_RGB, dtype=torch.uint8).expand(*canvas_hw, 3).contiguous(),
            boxes=torch.zeros(0, 4),
            class_indices=torch.zeros(0, dtype=torch.int64),
            class_is_known=torch.zeros(len(self._class_index), dtype=torch.bool),
            is_labelled=index < self._num_labelled,
        )

    def augmented(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw a random view: pixels UINT8 [H, W, 3], boxes FP32 [M, 4], each box's row in the photo's labels [M]."""
        photo = self._photos[index]
        augmentation = self._augmentation_of(photo)
        image = photo.open(shorter_side_px=augmentation.largest_shorter_side_px)
        factors = torch.tensor([image.width / photo.width_px, image.height / photo.height_px])
        rows = torch.arange(len(photo.labels))
        # By the photo's own size: halved, 999 x 1000 pixels are square, and a batch has one canvas.
        return augmentation(image, photo.boxes * factors.repeat(2), rows, on_landscape=self.is_landscape(index))

    def class_index(self, index: int, label_row: int) -> int | None:
        """Return what a label of a photo is to the head; None if it is background.

        Labels that the head does not have are: an Arduino head has nothing to say of a cat.
        """
        is_labelled = index < self._num_labelled
        return self._class_index.get(self._photos[index].labels[label_row]) if is_labelled else None

    def class_is_known(self, index: int) -> Tensor:
        """BOOL [classes]: of which of the head's classes the photo would carry a box if it held one."""
        photo = self._photos[index]
        return torch.tensor([photo.is_known(name) for name in self._class_index])

    def view_description(self, index: int) -> str:
        """Say what a random view of a photo depends on besides the seed: the file, its boxes, the augmentation."""
        photo = self._photos[index]
        status = photo.path.stat()
        file = f"{photo.path} {status.st_size} {status.st_mtime_ns}"
        return f"{file} {photo.boxes.tolist()} {self._augmentation_of(photo).description}"

    def _augmentation_of(self, photo: LabelledPhoto) -> CanvasAugmentation:
        return self._augmentation_of_set.get(photo.data_set, self._augmentation)

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
