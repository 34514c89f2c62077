"""The sets that the embedder's relations learn from and are judged on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from training.embedder.data import LabelledCrop, crop_set_folder, read_crop_set
from training.scorecard.errors import RelationFailed

KIND_OF_SET = {"grocery_store": "fine", "clothing_small": "type", "coco_mini": "label"}
"""The kind of label by which two crops of a set are the same."""
SMALLEST_SIDE_PX = 64
"""Of boxes."""
BOXES_PER_CLASS = {"train": 6, "val": 3}
"""Of sets of boxes: the first ones in the order of their photos."""
HELD_OUT_CLASSES = 16
"""Fine classes of grocery_store that no side ever learns from: about a fifth."""
UNSEEN = "grocery_store, unseen classes"
"""Each crop of these classes, looked for among the others of them."""
SEED = 0
"""Of what is held out, and of what a limit keeps: the same for all seeds of the training."""

Split = Literal["train", "val"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CropsOfSet:
    """One split of a set, N crops."""

    crops: Sequence[LabelledCrop]
    labels: Sequence[str]
    """[N]"""
    is_held_out: Sequence[bool]
    """[N]: its class is kept out of training."""


def crops_of_set(name: str, split: Split, limit: int | None) -> CropsOfSet:
    """Choose the crops of a split, the same ones for all arms and seeds.

    Args:
        name: one of `KIND_OF_SET`.
        split: train or val; the catalogue's pictures belong to train.
        limit: only so many train crops, and the val crops of their classes; None is all.
    """
    kind = KIND_OF_SET[name]
    held_out = held_out_classes(name)
    folder = crop_set_folder(name)
    found = _chosen(folder, name, split)
    if limit is not None:
        kept = _spread_classes([crop.labels[kind][0] for crop in _chosen(folder, name, "train")], held_out, limit)
        found = [crop for crop in found if crop.labels[kind][0] in kept]
    labels = [crop.labels[kind][0] for crop in found]
    return CropsOfSet(crops=found, labels=labels, is_held_out=[label in held_out for label in labels])


def held_out_classes(name: str) -> frozenset[str]:
    """Return the classes of a set that are kept out of training; only grocery_store has enough of them."""
    if name != "grocery_store":
        return frozenset()
    classes = sorted({crop.labels["fine"][0] for crop in read_crop_set(name, "train")})
    if len(classes) < 4 * HELD_OUT_CLASSES:
        raise RelationFailed(
            f"{name} has {len(classes)} fine classes; {HELD_OUT_CLASSES} cannot be kept out of training"
        )
    chosen = np.random.default_rng(SEED).permutation(len(classes))[:HELD_OUT_CLASSES]
    return frozenset(classes[k] for k in chosen.tolist())


@cache
def _chosen(folder: Path, name: str, split: Split) -> Sequence[LabelledCrop]:
    """A split without small boxes, and without the many boxes of common classes."""
    found: list[LabelledCrop] = []
    boxes_of_label: dict[str, int] = {}
    for crop in read_crop_set(f"{folder}/", split):
        if crop.box_xyxy_px is not None:
            label = crop.labels[KIND_OF_SET[name]][0]
            x1, y1, x2, y2 = crop.box_xyxy_px
            if min(x2 - x1, y2 - y1) < SMALLEST_SIDE_PX or boxes_of_label.get(label, 0) >= BOXES_PER_CLASS[split]:
                continue
            boxes_of_label[label] = boxes_of_label.get(label, 0) + 1
        found.append(crop)
    return found


def _spread_classes(labels_of_train: Sequence[str], held_out: frozenset[str], limit: int) -> set[str]:
    """Whole classes, so that queries have answers: every k-th, in the order of their names, of both kinds."""
    step = max(1, -(-len(labels_of_train) // limit))
    classes = set(labels_of_train)
    return {*sorted(classes - held_out)[::step], *sorted(classes & held_out)[::step]}
