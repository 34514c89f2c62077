"""What a recipe's data fields become: photos, classes, what is known, what is evaluated, what is broken."""

from typing import Any

import pytest
import torch

from tests.training.data.photos_on_disk import coco_folder
from training.engine.recipe import Recipe, RecipeError
from training.engine.training_data import class_category_ids, head_classes, training_data
from training.taxonomy import load_taxonomy


@pytest.fixture
def sets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.engine.training_data.REPOSITORY_ROOT", tmp_path)
    split = {"train": ["0.jpg", "1.jpg"], "val": ["2.jpg"]}
    coco = [[("cat", [1, 1, 20, 20])], [("dog", [1, 1, 20, 20])], [("cat", [5, 5, 30, 30])]]
    coco_folder(tmp_path / "coco_mini", coco, split=split)
    raccoons = [[("raccoon", [1, 1, 20, 20])], [("raccoon", [1, 1, float("nan"), 20])], [("raccoon", [5, 5, 30, 30])]]
    coco_folder(tmp_path / "raccoon", raccoons, labels=("raccoon",), split=split)
    return tmp_path


MERGED: dict[str, dict[str, Any]] = {"./coco_mini": {"holds_none_of": ["raccoon"]}, "./raccoon": {"repeat": 2}}


def test_a_merged_recipe_has_the_categories_of_all_sets_and_masks_what_a_set_is_silent_about(sets):
    recipe = Recipe(head="head_x", data_sets=MERGED, shorter_side_range_px=(300, 320))
    data = training_data(recipe)
    assert data.classes == ("cat", "dog", "raccoon")
    assert head_classes(recipe) == data.classes
    taxonomy = load_taxonomy()
    assert class_category_ids(recipe, "", data.classes) == [taxonomy.id_of(name) for name in data.classes]
    assert len(data.photos) == 2 + 2 * 2
    assert [data.photos[k].class_is_known.tolist() for k in (0, 2)] == [[True] * 3, [False, False, True]]
    assert data.photos[2].class_indices.tolist() in ([2], [])
    assert data.photos.is_ancestor is not None
    assert data.photos.is_ancestor.tolist() == torch.zeros(3, 3).bool().tolist()


def test_every_set_s_val_split_is_evaluated_in_categories(sets):
    data = training_data(Recipe(head="head_x", data_sets=MERGED))
    assert {name: s.category_names for name, s in data.validation.items()} == {
        "coco_mini": ("cat", "dog"),
        "raccoon": ("raccoon",),
    }
    assert [photo.path.name for photo in data.validation["raccoon"].photos] == ["2.jpg"]


def test_what_is_broken_is_known_per_split(sets):
    (sets / "coco_mini" / "images" / "1.jpg").write_bytes(b"")
    data = training_data(Recipe(head="head_x", data_sets=MERGED))
    problems = {name: [problem.kind for problem in listed] for name, listed in data.problems.items()}
    assert problems == {
        "coco_mini train": ["photo unreadable"],
        "raccoon train": ["box not finite"],
        "coco_mini val": [],
        "raccoon val": [],
    }
    assert len(data.photos) == 1 + 2 * 2


def test_one_set_keeps_its_own_words_and_negatives_are_background(sets):
    recipe = Recipe(head="head_x", data_set="./raccoon", negatives=("./coco_mini",), shorter_side_range_px=(300, 320))
    data = training_data(recipe)
    assert data.classes == head_classes(recipe) == ("raccoon",)
    assert len(data.photos) == 4
    negative = data.photos[2]
    assert negative.class_indices.tolist() == []
    assert negative.class_is_known.tolist() == [True]
    assert class_category_ids(recipe, "raccoon", data.classes) == [load_taxonomy().id_of("raccoon")]


def test_two_folders_of_one_name_are_refused(sets):
    with pytest.raises(RecipeError, match="two folders have one name"):
        Recipe(head="head_x", data_sets={"./coco_mini": {}, "./other/coco_mini": {}})
