"""Warm-up and cosine against the formula, step by step."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from training.engine.averaged_weights import AveragedWeights
from training.engine.recipe import Recipe
from training.engine.schedule import Schedule, optimizer_of


@pytest.mark.parametrize("warmup", [0, 1, 4, 50])
def test_equals_the_formula_at_every_step(warmup):
    schedule = Schedule(warmup_steps=warmup, total_steps=10)
    for step in range(10):
        expected = 0.01 + 0.99 * (1 + math.cos(math.pi * step / 10)) / 2
        if step + 1 < warmup:
            expected *= (step + 1) / warmup
        assert schedule.share_at(step) == pytest.approx(expected, rel=1e-12)


def test_new_layers_learn_at_their_own_rate_and_frozen_ones_not_at_all():
    old, new, frozen = nn.Linear(1, 1), nn.Linear(1, 1), nn.Linear(1, 1).requires_grad_(False)
    recipe = Recipe(head="h", data_set="d", learning_rate=1e-4, new_layer_learning_rate=1e-2)
    optimizer = optimizer_of(recipe, nn.ModuleList([old, new, frozen]), (new,))
    Schedule(warmup_steps=2, total_steps=4).apply(optimizer, 0)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert rates == {id(p): r for layer, r in ((old, 5e-5), (new, 5e-3)) for p in layer.parameters()}


def test_the_mean_of_weights_follows_parameters_and_copies_statistics():
    module: Any = nn.BatchNorm1d(2)
    averaged: Any = AveragedWeights(module, decay=0.9)
    with torch.no_grad():
        module.weight += 1.0
        module.running_mean += 3.0
    averaged.update(module, step=10_000)
    assert averaged.module.weight.tolist() == pytest.approx([1.1, 1.1])
    assert averaged.module.running_mean.tolist() == [3.0, 3.0]
