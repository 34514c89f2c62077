"""The photos that an arm learns from, in its head's classes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from training.data.augmentation import CanvasAugmentation
from training.data.merged_photos import MergedPhotos, ancestor_table
from training.data.set_options import SetOptions
from training.data.training_photos import TrainingPhotos
from training.engine.recipe import Recipe
from training.scorecard.arm import DEMO_RECIPE, Arm
from training.scorecard.experiment_sets import folder_name, open_set, source_of
from training.taxonomy import Taxonomy

SUBSET_SEED = 0
"""Draws the photos that a limit keeps: the same ones at every seed, so that seeds differ in training alone."""

T = TypeVar("T")


def options_of(set_name: str, sets: Sequence[str], max_photos: int | None) -> SetOptions:
    """Return what the demo's recipe says of a set, which turns and absences hold, without its repeats.

    Args:
        set_name: one of the sets; a derived one has its source's options, and knows of no absences.
        sets: all that are merged.
        max_photos: the experiment's own limit; None is none.
    """
    options = Recipe.load(DEMO_RECIPE).set_options().get(source_of(set_name), SetOptions())
    is_derived = set_name != source_of(set_name)
    absent = () if is_derived else tuple(name for name in options.holds_none_of if name in sets)
    return replace(options, repeat=1, keep_share=1.0, max_photos=max_photos or 0, holds_none_of=absent)


def merged_of(work_folder: Path, arm: Arm, taxonomy: Taxonomy) -> MergedPhotos:
    """Merge an arm's sets, downsampled and upsampled as it says."""
    sets = [open_set(work_folder, name, "train", taxonomy) for name in arm.sets]
    options = {
        photos.name: options_of(name, arm.sets, arm.max_photos_of(name))
        for photos, name in zip(sets, arm.sets, strict=True)
    }
    return MergedPhotos.of(sets, options, taxonomy, min_boxes_per_class=arm.min_boxes_per_class, seed=SUBSET_SEED)


def training_photos_of(merged: MergedPhotos, arm: Arm, taxonomy: Taxonomy) -> TrainingPhotos:
    """Return what an epoch shows, exactly `photos_per_epoch` of them."""
    name_of_folder = {photo.data_set: _set_name(photo.data_set, arm) for photo in merged.photos}
    return TrainingPhotos(
        filled_up(merged.shown_photos(), arm.photos_per_epoch, seed=arm.seed),
        [],
        [],
        merged.category_names,
        CanvasAugmentation(shorter_side_range_px=arm.shorter_side_range_px),
        augmentation_of_set={
            folder: augmentation_of(name, arm.shorter_side_range_px) for folder, name in name_of_folder.items()
        },
        is_ancestor=ancestor_table(merged.category_ids, taxonomy),
    )


def augmentation_of(set_name: str, shorter_side_range_px: tuple[int, int]) -> CanvasAugmentation:
    """Return the random views of a set's photos."""
    options = options_of(set_name, (set_name,), None)
    return CanvasAugmentation(
        shorter_side_range_px=shorter_side_range_px,
        horizontal_flip=options.horizontal_flip,
        vertical_flip=options.vertical_flip,
        half_turn=options.half_turn,
    )


def filled_up(items: Sequence[T], count: int, *, seed: int) -> list[T]:
    """Return exactly `count` items: each as often as whole rounds go, and a random part of them once more."""
    rounds, rest = divmod(count, len(items))
    extra = np.random.default_rng([seed, 29]).permutation(len(items))[:rest]
    return [*items] * rounds + [items[k] for k in sorted(extra.tolist())]


def _set_name(folder: str, arm: Arm) -> str:
    return next(name for name in arm.sets if folder in (name, folder_name(name, "train")))
