"""Crops as a training step sees them: random views, by index."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset

from training.embedder.data.crop_augmentation import CropAugmentation
from training.embedder.data.labelled_crop import LabelledCrop


@dataclass(frozen=True, slots=True)
class CropSample:
    """One random view of a crop."""

    pixels: Tensor
    """UINT8 [3, S, S]"""
    crop_index: int
    """By which its labels are found."""
    is_readable: bool
    """False where the file could be read before training and no longer can: nothing is known of a grey square."""


class TrainingCrops(Dataset[CropSample]):
    """Crops of several sets, each with the augmentation of its set."""

    def __init__(
        self, crops: Sequence[LabelledCrop], augmentation_of_set: Mapping[str, CropAugmentation], *, crop_px: int
    ) -> None:
        self.crops = crops
        self._augmentation_of_set = augmentation_of_set
        self._crop_px = crop_px

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, index: int) -> CropSample:
        crop = self.crops[index]
        try:
            image = crop.open()
        except OSError as error:
            print(f"left out, cannot be read: {crop.path}: {error}", file=sys.stderr, flush=True)
            return CropSample(torch.full((3, self._crop_px, self._crop_px), 127, dtype=torch.uint8), index, False)
        return CropSample(self._augmentation_of_set[crop.data_set](image, self._crop_px), index, True)
