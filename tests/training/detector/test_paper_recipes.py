"""Every recipe of recipes/paper: it builds, says something of a canvas, learns, and is exported as it is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.conftest import REPO_ROOT
from tests.training.detector.tiny_bodies import keep_signals_alive, use_tiny_bodies
from training.detector.build import build_detector, detector_of_state
from training.detector.head import GroundTruth, level_sizes_of
from training.detector.initial_weights import initial_detector
from training.detector.served_head import ServedHead
from training.engine.recipe import Recipe, RecipeError
from training.export.detector_graphs import export_backbone, export_head
from training.export.parity import check_backbone, check_head

RECIPES = [
    path
    for path in sorted((REPO_ROOT / "recipes" / "paper").glob("*.yaml"))
    if not path.name.startswith("embedder_")  # tests/training/embedder
]
CANVAS = (96, 160)
IDS = [3, 1, 44]


@pytest.fixture(params=RECIPES, ids=lambda path: path.stem)
def recipe(request):
    return Recipe.load(request.param)


def test_there_is_a_recipe_for_each_of_the_papers_models():
    assert {path.stem for path in RECIPES} == {
        "fcos_resnet101_dcn",
        "fcos_resnet50",
        "retinanet_resnet50",
        "fcos_mobilenet",
        "fcos_vit",
    }


def test_a_recipe_builds_at_its_real_size(recipe):
    """The parameters of the body, in millions, are those of its published description."""
    backbone = build_detector(recipe, num_classes=2).backbone
    millions = sum(p.numel() for p in backbone.parameters()) / 1e6
    expected = {
        "resnet101_fpn_dcn": (45, 55),
        "resnet50_fpn": (24, 29),
        "mobilenet_v3_fpn": (3, 5),
        "vit_simple_pyramid": (86, 93),
    }
    low, high = expected[recipe.architecture]
    assert low < millions < high


def test_a_recipe_learns_and_its_graphs_say_what_it_says(recipe, monkeypatch, tmp_path):
    use_tiny_bodies(monkeypatch)
    small = replace(recipe, pyramid_channels=32, tower_depth=min(1, recipe.tower_depth), tower_channels=32)
    torch.manual_seed(0)
    detector = build_detector(small, num_classes=3)
    keep_signals_alive(detector.backbone)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (2, *CANVAS, 3), dtype=np.uint8)
    features = detector.backbone(torch.from_numpy(pixels))
    truth = GroundTruth(
        boxes_per_image=[torch.tensor([[10.0, 12.0, 70.0, 60.0]]), torch.zeros(0, 4)],
        class_indices_per_image=[torch.tensor([1]), torch.zeros(0, dtype=torch.int64)],
    )
    losses = detector.head.losses(detector.head(features), level_sizes_of(features), truth)
    torch.stack(list(losses.values())).sum().backward()
    assert [name for name, p in detector.named_parameters() if p.grad is None] == []

    detector.zero_grad()
    detector = detector_of_state(small, detector.state_dict()).eval()
    for layer in detector.head.class_layers():
        for parameter in layer.parameters():  # scores that differ
            torch.nn.init.normal_(parameter, std=0.05)
    export_backbone(detector.backbone, tmp_path / "backbone.onnx", canvas=CANVAS)
    export_head(detector.head, IDS, tmp_path / "head.onnx", canvas=CANVAS)
    canvases = [rng.integers(0, 256, (1, *CANVAS, 3), dtype=np.uint8)]
    assert min(f.abs().max() for f in features) > 0.05  # else the tolerances would mean nothing
    check_backbone(detector.backbone, tmp_path / "backbone.onnx", canvases)

    def features_of_order_1(_pixels):
        generator = torch.Generator().manual_seed(7)
        return tuple(torch.randn(f[:1].shape, generator=generator) for f in features)

    check_head(features_of_order_1, ServedHead(detector.head, IDS), tmp_path / "head.onnx", canvases)


def test_a_teacher_is_only_for_its_own_architecture(genod_data):
    recipe = Recipe(head="head_x", data_set="x", architecture="mobilenet_v3_fpn")
    with pytest.raises(RecipeError, match="nanodet_plus_m15_416 is a shufflenet_ghostpan; mobilenet_v3_fpn can start"):
        initial_detector(recipe, num_classes=1, taxonomy_ids=lambda: [1])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"architecture": "resnet34"}, "architecture must be one of shufflenet_ghostpan, resnet50_fpn"),
        ({"detector": "yolo"}, "detector must be one of fcos, retinanet, got 'yolo'"),
        ({"towers": "slim"}, "towers must be one of separable, full"),
        ({"pyramid_channels": 100}, "multiple of 32, got 100"),
        ({"detector": "retinanet", "classified_locations": 5}, "0 with detector retinanet"),
        ({"keep_teacher_classifier": True, "towers": "full"}, "the teacher is a shufflenet_ghostpan"),
    ],
)
def test_models_that_do_not_exist_are_refused_in_the_recipes_words(fields, message):
    with pytest.raises(RecipeError, match=message):
        Recipe(head="head_x", data_set="x", **fields)
