"""A trained head gets an objectness, and nothing else of it moves."""

import pytest
import torch
from torch import nn

from training.detector.build import build_detector
from training.engine.recipe import Recipe, RecipeError
from training.studies.classified_locations import learn_objectness, with_objectness

RECIPE = Recipe(head="head_x", data_set="x", tower_depth=1, tower_channels=16, backbone_from="scratch")


def test_the_objectness_learns_and_nothing_else_moves():
    torch.manual_seed(0)
    trained = build_detector(RECIPE, num_classes=2)
    for layer in trained.head.class_layers():
        for parameter in layer.parameters():
            nn.init.normal_(parameter, std=0.5)
    recipe, detector = with_objectness(RECIPE, trained, locations=5)
    assert recipe.classified_locations == 5
    pixels = torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8)
    losses = learn_objectness(detector, [pixels] * 60)
    assert losses[-1] < 0.9 * losses[0]
    state = detector.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in trained.state_dict().items())
    assert all(parameter.requires_grad for parameter in detector.parameters())


def test_retinanet_has_none():
    recipe = Recipe(head="head_x", data_set="x", detector="retinanet")
    with pytest.raises(RecipeError, match="only detector: fcos"):
        with_objectness(recipe, build_detector(recipe, num_classes=1), locations=5)
