"""Train a whole small embedder for a short while, from ImageNet's weights or from random numbers."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.embedder.data import crop_pixels
from training.embedder.embedder import Embedder, EmbedderSpec, HeadSpec
from training.scorecard.embedder_arm import COMBINED
from training.scorecard.embedder_crops import CropsOfSet, crops_of_set
from training.scorecard.small_embedder import (
    EMBEDDING_DIMS,
    ExperimentSet,
    judge_small_embedder,
    train_small_embedder,
)

CROP_PX = 64
"""Of the served 224: a twelfth of the work."""
SHOWN_PX = 72
"""Train crops are kept so large, and a window of `CROP_PX` is cut out at random."""
TRUNK_LEARNING_RATE = 1e-3
"""A compromise between what either side likes best."""


def train_whole_trunk(
    _work_folder: Path,
    *,
    trunk_from: str,
    sets: Sequence[str],
    steps: int,
    crops_per_step: int,
    max_crops: int | None,
    seed: int,
) -> dict[str, Any]:
    """Train, and judge by val crops against all train crops.

    Args:
        _work_folder: not needed.
        trunk_from: `imagenet_arrays` or `scratch`.
        sets: learnt from, of `embedder_crops.py`.
        steps: of the training.
        crops_per_step: of all sets together, the same number of each.
        max_crops: only so many of each split of each set.
        seed: of weights, batches and windows.

    Returns:
        `precision_at_1`, see `PrecisionBySet`; `training_s`.
    """
    learnt = [_experiment_set(name, max_crops) for name in sets]
    torch.manual_seed(seed)
    embedder = Embedder.build(
        EmbedderSpec(
            trunk="mobilenet_v1",
            trunk_from=trunk_from,
            crop_px=CROP_PX,
            embedding_dims=EMBEDDING_DIMS,
            heads=tuple(HeadSpec(name=s.name, kind="softmax", labels=tuple(s.classes)) for s in learnt),
            norms="synchronised",  # in one process; without norms nothing is learnt from random numbers
        )
    )
    started = time.monotonic()
    train_small_embedder(
        embedder,
        learnt,
        losses=COMBINED,
        steps=steps,
        seed=seed,
        crops_per_set=crops_per_step // len(learnt),
        trunk_learning_rate=TRUNK_LEARNING_RATE,
        augmented=random_windows,
    )
    training_s = time.monotonic() - started
    return {"precision_at_1": judge_small_embedder(embedder, learnt), "training_s": round(training_s, 2)}


def random_windows(crops: Tensor, generator: np.random.Generator) -> Tensor:
    """Cut a window of `CROP_PX` out of each crop [N, 3, S, S], half of them mirrored."""
    windows = []
    for crop in crops:
        top, left = generator.integers(crop.shape[1] - CROP_PX + 1, size=2)
        window = crop[:, top : top + CROP_PX, left : left + CROP_PX]
        windows.append(window.flip(2) if generator.random() < 0.5 else window)
    return torch.stack(windows)


def _experiment_set(name: str, max_crops: int | None) -> ExperimentSet:
    train, val = crops_of_set(name, "train", max_crops), crops_of_set(name, "val", max_crops)
    return ExperimentSet(
        name=name,
        train=train,
        views=_pixels(train, SHOWN_PX)[None],
        gallery=_pixels(train, CROP_PX),
        val=val,
        queries=_pixels(val, CROP_PX),
    )


def _pixels(crops: CropsOfSet, crop_px: int) -> Tensor:
    """UINT8 [N, 3, crop_px, crop_px]."""
    return torch.stack([crop_pixels(crop.open(), crop_px).round().to(torch.uint8) for crop in crops.crops])
