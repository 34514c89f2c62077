"""Recipes: defaults, refusals, and every shipped one."""

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from training.engine.recipe import Recipe, RecipeError

ENGINE = Path(__file__).parents[3] / "training/engine"
RECIPES = [
    path
    for path in sorted((Path(__file__).parents[3] / "recipes").rglob("*.yaml"))
    if not path.name.startswith("embedder_")  # tests/training/embedder/engine has those
]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_load(path):
    assert Recipe.load(path).head.startswith("head_")


def test_a_resolved_recipe_reads_back_as_itself(tmp_path):
    recipe = Recipe.load(RECIPES[0])
    (tmp_path / "recipe.yaml").write_text(recipe.as_yaml())
    assert Recipe.load(tmp_path / "recipe.yaml") == recipe


@pytest.mark.parametrize("field", [f.name for f in fields(Recipe)])
def test_every_field_reaches_the_training(field):
    """A field that nobody reads would let a recipe say what the run does not do."""
    sources = (path for path in ENGINE.parent.rglob("*.py") if path.name != "recipe.py")
    code = "".join(path.read_text() for path in sources)
    assert re.search(rf"recipe\.{field}\b", code)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("head: h\ndata_set: d\nepoch: 3", "unknown field epoch; known are .*epochs"),
        ("head: h", "data_set must be given, or data_sets"),
        ("head: h\ndata_set: d\ndata_sets: {a: {}}", "data_set must be given, or data_sets"),
        ("head: h\ndata_sets: {a: {keep: 1}}", "data_sets: a: unknown option keep"),
        ("head: h\ndata_sets: {a: {}}\nnegatives: [b]", "with data_sets there is no negatives"),
        ("head: h\ndata_set: d\nmin_boxes_per_class: 9", "min_boxes_per_class needs data_sets"),
        ("head: h\ndata_set: d\nepochs: 0", "epochs must be positive, got 0"),
        ("head: h\ndata_set: d\nema_decay: 1.0", r"ema_decay must be in \[0, 1\)"),
        ("head: h\ndata_set: d\nunlabelled: [x]", "distillation_weight is 0"),
        ("head: h\ndata_set: d\nbackbone: thawed", "backbone must be train or frozen, got 'thawed'"),
        ("head: h\ndata_set: d\nshorter_side_range_px: [500, 300]", r"got \[500, 300\]"),
        ("head: h\ndata_set: d\nprecision: fp8", "precision must be one of fp32, bf16, fp16, got 'fp8'"),
        ("head: h\ndata_set: d\ndevice: tpu", "device must be one of auto, cpu, cuda, got 'tpu'"),
        ("head: h\ndata_set: d\naccumulate_steps: 0", "accumulate_steps must be 1 or more"),
        ("head: h\ndata_set: d\nloader_workers: -1", "loader_workers must be auto or 0 or more, got -1"),
        ("head: h\ndata_set: d\nlearning_rate: 1e-4", "learning_rate must be float, got '1e-4'; YAML wants a point"),
        ("head: h\ndata_set: d\nepochs: 2.5", "epochs must be int, got 2.5"),
        ("head: [", "is no YAML"),
        ("- a list", "must be a mapping"),
    ],
)
def test_a_wrong_recipe_is_refused_by_file_and_field(tmp_path, text, message):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message) as caught:
        Recipe.load(path)
    assert str(path) in str(caught.value)


def test_a_run_goes_on_with_a_recipe_that_differs_only_in_where_and_how_often():
    recipe = Recipe(head="h", data_set="d")
    assert recipe.trains_as(replace(recipe, device="cpu", loader_workers=3, checkpoint_every_steps=7))
    assert not recipe.trains_as(replace(recipe, seed=1))
    assert not recipe.trains_as(replace(recipe, precision="bf16"))
    assert recipe.trains_as(Recipe.parse(recipe.as_yaml(), source="a checkpoint"))
