"""Recipes of embedders: defaults, refusals, and every shipped one."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from training.embedder.data.crop_augmentation import CropAugmentation
from training.embedder.data.crop_set_options import CropSetOptions
from training.embedder.engine.recipe import EmbedderRecipe, RecipeError

ROOT = Path(__file__).parents[4]
RECIPES = sorted((ROOT / "recipes").rglob("embedder_*.yaml"))
LEAST = "embedder: e\ndata_sets: {a: {quota: 2, losses: [arcface]}}\n"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_load_and_read_back_as_themselves(path, tmp_path):
    recipe = EmbedderRecipe.load(path)
    assert recipe.embedder
    (tmp_path / "recipe.yaml").write_text(recipe.as_yaml())
    again = EmbedderRecipe.load(tmp_path / "recipe.yaml")
    assert again.trains_as(recipe)
    assert again.as_yaml() == recipe.as_yaml()


def test_the_recipe_in_the_documentation_is_one():
    text = (ROOT / "docs" / "EMBEDDER.md").read_text()
    (block,) = (b for b in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if b.startswith("embedder:"))
    assert EmbedderRecipe.parse(block, source="docs/EMBEDDER.md").embedder == "shop"


def code_of(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.rglob("*.py") if path.name != "recipe.py")


@pytest.mark.parametrize("field", [f.name for f in fields(EmbedderRecipe)])
def test_every_field_reaches_the_training(field):
    """A field that nobody reads would let a recipe say what the run does not do."""
    code = code_of(ROOT / "training" / "embedder") + code_of(ROOT / "training" / "engine")
    if field.endswith("_weight") and field.count("_") < 4:
        assert 'getattr(self._recipe, f"{loss}_weight")' in code
    elif field in ("embedder", "augmentation"):
        pass  # the name tells the kind of recipe; augmentation_of hands out the other
    else:
        assert re.search(rf"recipe\.{field}\b", code), field


@pytest.mark.parametrize("field", [f.name for f in fields(CropSetOptions)])
def test_every_option_of_a_set_reaches_the_training(field):
    code = (
        code_of(ROOT / "training" / "embedder" / "engine")
        + (ROOT / "training" / "embedder" / "engine" / "recipe.py").read_text()
    )
    assert re.search(rf"(options|\])\.{field}\b", code)


@pytest.mark.parametrize("field", [f.name for f in fields(CropAugmentation)])
def test_every_field_of_the_augmentation_is_followed(field):
    code = (ROOT / "training" / "embedder" / "data" / "crop_augmentation.py").read_text().partition("def __call__")[2]
    assert f"self.{field}" in code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("embedder: e", "data_sets must be given"),
        (LEAST + "trunk: vit_b_16\npooling: average\nview_px: 160", "view_px: the trunk vit_b_16"),
        (LEAST + "view_px: -1", "view_px must be 0 or more"),
        (LEAST + "quota: 3", "unknown field quota; known are .*crop_px.*trunk_learning_rate"),
        (LEAST + "learning_rate: 1e-3", "YAML wants a point in it"),
        (LEAST + "trunk: vgg", "trunk must be one of mobilenet_v1, resnet50, resnext101_32x4d, vit_b_16, got 'vgg'"),
        (LEAST + "pairwise_positive_margins: [0.7, 0.1]", r"must be \[low, high\] with 0 <= low < high"),
        (LEAST + "arcface_weight: -1.0", "arcface_weight must be 0 or more"),
        (LEAST + "augmentation: {flip: true}", "augmentation: unknown flip; known are crop_scale_range"),
        (LEAST + "augmentation: {horizontal_flip: 1}", "horizontal_flip must be true or false, got 1"),
        (LEAST + "augmentation: {crop_scale_range: [0.5, 2.0]}", "crop_scale_range must be .* <= 1"),
        (LEAST + "heads: {h: softmax}", "nothing supervises h"),
        (LEAST + "head_weights: {h: 2.0}", "head_weights: h"),
        ("embedder: e\ndata_sets: {a: {}}", "a must be a mapping of options with `quota`"),
        ("embedder: e\ndata_sets: {a: {quota: 2}}", "a supervises nothing: name losses, or heads"),
        ("embedder: e\ndata_sets: {a: {quota: 0, losses: [arcface]}}", "quota must be 1 or more, got 0"),
        ("embedder: e\ndata_sets: {a: {quota: 2.5, losses: [arcface]}}", "quota must be a whole number, got 2.5"),
        ("embedder: e\ndata_sets: {a: {quota: 2, losses: [focal]}}", "losses must be of arcface, .*, got focal"),
        ("embedder: e\ndata_sets: {a: {quota: 2, quotas: 3}}", "unknown option quotas; known are quota, losses"),
        (
            "embedder: e\ndata_sets: {a: {quota: 2, heads: {h: l}}}",
            "supervise the heads h, which `heads` does not list",
        ),
        ("embedder: e\ndata_sets: {a: {quota: 2, losses: [arcface], split: test}}", "split must be one of train, val"),
        ("embedder: e\ndata_sets: []", "data_sets must name one set or more"),
        (LEAST.replace("{a:", "{./a/b: {quota: 1, losses: [arcface]}, b:"), "two folders have one name"),
    ],
)
def test_what_a_recipe_cannot_say_is_refused(text, message):
    with pytest.raises(RecipeError, match=message):
        EmbedderRecipe.parse(text, source="r.yaml")


def test_a_set_s_augmentation_differs_from_the_recipe_s_which_differs_from_the_default():
    text = """
        embedder: e
        augmentation: {colour: 0.5, horizontal_flip: false}
        data_sets:
          a: {quota: 2, losses: [arcface]}
          b: {quota: 2, losses: [arcface], augmentation: {horizontal_flip: true}}
    """
    recipe = EmbedderRecipe.parse(text, source="r.yaml")
    assert recipe.augmentation_of("a") == CropAugmentation(colour=0.5, horizontal_flip=False)
    assert recipe.augmentation_of("b") == CropAugmentation(colour=0.5)


def test_fields_that_leave_the_result_alone_do_not_keep_a_run_from_going_on():
    recipe = EmbedderRecipe.parse(LEAST, source="r.yaml")
    values = yaml.safe_load(recipe.as_yaml())
    free = {"device": "cpu", "checkpoint_every_steps": 7, "loader_workers": 3, "evaluate_on": ["a"]}
    assert recipe.trains_as(EmbedderRecipe.parse(yaml.safe_dump(values | free), source="r.yaml"))
    assert not recipe.trains_as(EmbedderRecipe.parse(yaml.safe_dump(values | {"seed": 1}), source="r.yaml"))
