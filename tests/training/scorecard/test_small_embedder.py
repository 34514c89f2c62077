"""On made-up features whose classes can be told apart: that something is learnt, and the same with the same seed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from training.embedder.data import LabelledCrop
from training.embedder.embedder import Embedder
from training.embedder.hashing.sign_binarisation import SignBinarisation
from training.embedder.trunk.gem_pooling import GeMPooling
from training.scorecard.embedder_crops import UNSEEN, CropsOfSet
from training.scorecard.small_embedder import (
    EMBEDDING_DIMS,
    ExperimentSet,
    draw,
    judge_small_embedder,
    train_small_embedder,
)
from training.scorecard.train_embedder_arm import UpperTrunk

CLASSES, NOISY_CHANNELS = 6, 6
CHANNELS = CLASSES + NOISY_CHANNELS


def crops(labels: list[str], held_out: set[str]) -> CropsOfSet:
    made = [
        LabelledCrop(path=Path(f"{k}.png"), box_xyxy_px=None, product=None, data_set="toys", split="all")
        for k in range(len(labels))
    ]
    return CropsOfSet(crops=made, labels=labels, is_held_out=[label in held_out for label in labels])


def toys(held_out: set[str]) -> ExperimentSet:
    """Each class has a channel of its own; as many others hold noise twice as strong, which training must ignore."""
    generator = torch.Generator().manual_seed(0)
    names = [f"c{k}" for k in range(CLASSES)]

    def features(count: int) -> tuple[Tensor, list[str]]:
        labels = torch.arange(CLASSES).repeat_interleave(count)
        own = nn.functional.one_hot(labels, CLASSES).float()
        values = torch.cat([own, 2 * torch.rand(len(labels), NOISY_CHANNELS, generator=generator)], dim=1)
        return values[:, :, None, None].expand(-1, -1, 2, 2).contiguous(), [names[k] for k in labels.tolist()]

    gallery, train_labels = features(10)
    queries, val_labels = features(5)
    return ExperimentSet(
        name="toys",
        train=crops(train_labels, held_out),
        views=gallery[None].half(),
        gallery=gallery,
        val=crops(val_labels, held_out),
        queries=queries,
    )


def embedder(num_labels: int) -> Embedder:
    torch.manual_seed(0)
    blocks = nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 1), nn.ReLU())
    trunk = UpperTrunk(blocks, out_channels=CHANNELS)
    return Embedder(trunk=trunk, pooling=GeMPooling(), embedding_dims=EMBEDDING_DIMS, num_labels={"toys": num_labels})


def trained(losses, held_out=frozenset(), steps=80, **judging):
    toy = toys(set(held_out))
    model = embedder(len(toy.classes))
    before = judge_small_embedder(model.eval(), [toy])["toys"]["float"]
    train_small_embedder(model, [toy], losses=losses, steps=steps, seed=0, crops_per_set=24, trunk_learning_rate=1e-2)
    return np.mean(before), judge_small_embedder(model, [toy], **judging)


@pytest.mark.parametrize("losses", [("arcface",), ("pairwise",), ("softmax",), ("arcface", "pairwise", "softmax")])
def test_each_loss_alone_and_all_together_learn_to_tell_classes_apart(losses) -> None:
    before, after = trained(losses, is_pooled=losses == ("softmax",))
    assert np.mean(after["toys"]["float"]) > before + 0.2


def test_the_same_seed_gives_the_same_figures() -> None:
    assert trained(("arcface",), steps=5) == trained(("arcface",), steps=5)


def test_held_out_classes_are_judged_among_themselves_and_never_learnt() -> None:
    toy = toys({"c1", "c4"})
    assert toy.classes == ["c0", "c2", "c3", "c5"]
    assert {toy.train.labels[row] for rows in toy.rows_per_class for row in rows} == {"c0", "c2", "c3", "c5"}

    _, found = trained(("arcface",), held_out={"c1", "c4"}, steps=3)
    assert len(found[UNSEEN]["float"]) == 2 * (10 + 5)
    assert len(found["toys"]["float"]) == 30  # all queries against all train crops


def test_bits_are_judged_beside_the_floats() -> None:
    _, found = trained(("arcface",), steps=3, hasher=SignBinarisation.fixed(EMBEDDING_DIMS))
    assert set(found["toys"]) == {"float", "binary"}
    assert all(0 <= value <= 1 for value in found["toys"]["binary"])


def test_a_batch_has_pairs_of_different_classes_and_repeats_what_is_few() -> None:
    generator = np.random.default_rng(0)
    rows, classes = draw([[0, 1, 2], [3], [4, 5]], 4, generator)
    assert len(set(classes)) == 2
    rows, classes = draw([[0, 1, 2], [3], [4, 5]], 12, generator)
    assert sorted(classes) == [0] * 4 + [1] * 4 + [2] * 4
    assert all(row in ((0, 1, 2), (3,), (4, 5))[k] for row, k in zip(rows, classes, strict=True))
