"""Train one side of a comparison of embedders on kept features, and judge it."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.embedder.embedder import Embedder
from training.embedder.hashing.train_catalyzer import CatalyzerOptions, train_catalyzer
from training.embedder.trunk.average_pooling import AveragePooling
from training.embedder.trunk.gem_pooling import GeMPooling
from training.embedder.trunk.trunk import Trunk
from training.scorecard.crop_features import FROZEN_BLOCKS, crop_features, pretrained_trunk
from training.scorecard.embedder_arm import CROPS_PER_SET_AND_STEP, EmbedderArm, arm_of
from training.scorecard.embedder_crops import crops_of_set
from training.scorecard.small_embedder import (
    EMBEDDING_DIMS,
    ExperimentSet,
    embed,
    judge_small_embedder,
    train_small_embedder,
)

TRUNK_LEARNING_RATE = 2e-4
HASHER_EPOCHS = 20


class UpperTrunk(Trunk):
    """What lies above the frozen blocks of ImageNet's MobileNet; its crops are their features."""

    def __init__(self, blocks: nn.Sequential, *, out_channels: int) -> None:
        super().__init__(out_channels=out_channels)
        self.blocks = blocks

    def forward(self, crops: Tensor) -> Tensor:
        """Map features FP32 [N, 768, h, w], which need no normalising, to the trunk's last ones."""
        return self.features(crops)

    def parts_in_order(self) -> Sequence[nn.Module]:
        """Return its blocks."""
        return list(self.blocks.children())

    def features(self, images: Tensor) -> Tensor:
        """Map features FP32 [N, 768, h, w] to the trunk's last ones."""
        features: Tensor = self.blocks(images)
        return features


def train_embedder_arm(work_folder: Path, *, arm: dict[str, Any]) -> dict[str, Any]:
    """Train, and judge by val crops against all train crops.

    Args:
        work_folder: features are kept in it.
        arm: an `EmbedderArm` in plain values.

    Returns:
        `precision_at_1`, see `PrecisionBySet`; `power` of GeM, None without; `training_s`.
    """
    of_arm = arm_of(arm)
    sets = [_experiment_set(work_folder, of_arm, name) for name in of_arm.sets]
    torch.manual_seed(of_arm.seed)
    trunk = pretrained_trunk()
    embedder = Embedder(
        trunk=UpperTrunk(trunk.blocks[FROZEN_BLOCKS:], out_channels=trunk.out_channels),
        pooling=GeMPooling() if of_arm.pooling == "gem" else AveragePooling(),
        embedding_dims=EMBEDDING_DIMS,
        num_labels={s.name: len(s.classes) for s in sets} if "softmax" in of_arm.losses else {},
    )
    started = time.monotonic()
    train_small_embedder(
        embedder,
        sets,
        losses=of_arm.losses,
        steps=of_arm.steps,
        seed=of_arm.seed,
        crops_per_set=CROPS_PER_SET_AND_STEP,
        trunk_learning_rate=TRUNK_LEARNING_RATE,
    )
    training_s = time.monotonic() - started
    hasher = None
    if of_arm.is_hashed:
        learnt = np.concatenate([embed(embedder, s.gallery) for s in sets])
        options = CatalyzerOptions(epochs=HASHER_EPOCHS, seed=of_arm.seed)
        hasher = train_catalyzer(torch.from_numpy(learnt), options).eval()
    # Softmax alone does not teach the embedding: then what it does teach is judged, the pooled features.
    found = judge_small_embedder(embedder, sets, is_pooled=of_arm.losses == ("softmax",), hasher=hasher)
    power = embedder.pooling.power.item() if isinstance(embedder.pooling, GeMPooling) else None
    return {"precision_at_1": found, "power": power, "training_s": round(training_s, 2)}


def _experiment_set(work_folder: Path, arm: EmbedderArm, name: str) -> ExperimentSet:
    views = [crop_features(work_folder, name, "train", arm.max_crops, view) for view in range(arm.views + 1)]
    stacked = torch.from_numpy(np.stack(views))
    return ExperimentSet(
        name=name,
        train=crops_of_set(name, "train", arm.max_crops),
        views=stacked,
        gallery=stacked[0],
        val=crops_of_set(name, "val", arm.max_crops),
        queries=torch.from_numpy(crop_features(work_folder, name, "val", arm.max_crops, 0)),
    )
