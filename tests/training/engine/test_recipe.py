"""Recipes: defaults, refusals, and every shipped one."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from training.engine.recipe import Recipe, RecipeError

ENGINE = Path(__file__).parents[3] / "training/engine"
RECIPES = sorted((Path(__file__).parents[3] / "recipes").rglob("*.yaml"))


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
    code = "".join((ENGINE / name).read_text() for name in ("run.py", "trainer.py"))
    code += Path(ENGINE.parent / "export/export_run.py").read_text()  # the head's name
    assert re.search(rf"recipe\.{field}\b", code)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("head: h\ndata_set: d\nepoch: 3", "unknown field epoch; known are .*epochs"),
        ("head: h", "data_set must be given"),
        ("head: h\ndata_set: d\nepochs: 0", "epochs must be positive, got 0"),
        ("head: h\ndata_set: d\nema_decay: 1.0", r"ema_decay must be in \[0, 1\)"),
        ("head: h\ndata_set: d\nunlabelled: [x]", "distillation_weight is 0"),
        ("head: h\ndata_set: d\nbackbone: thawed", "backbone must be train or frozen, got 'thawed'"),
        ("head: h\ndata_set: d\nshorter_side_range_px: [500, 300]", r"got \[500, 300\]"),
        ("- a list", "must be a mapping"),
    ],
)
def test_a_wrong_recipe_is_refused_by_file_and_field(tmp_path, text, message):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message) as caught:
        Recipe.load(path)
    assert str(path) in str(caught.value)
