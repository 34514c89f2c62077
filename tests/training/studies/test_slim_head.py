"""AP as COCO has it, its difference with an interval, and sides that differ in size alone."""

import json
from dataclasses import asdict

import pytest

from tests.training.evaluation.random_coco_files import random_coco_files
from training.engine.recipe import Recipe
from training.evaluation.coco_protocol import evaluate_coco
from training.studies.slim_head import figures, matches_at_all_overlaps, recipe_of, write


@pytest.mark.parametrize("seed", [1, 2])
def test_the_mean_over_classes_and_overlaps_is_coco_s_ap(seed):
    ground_truth, results = random_coco_files(seed)
    matches = matches_at_all_overlaps(ground_truth, results)
    assert matches.AP50()[0] == pytest.approx(evaluate_coco(ground_truth, results).AP, abs=1e-9)


def test_the_sides_differ_in_their_towers_alone():
    recipe = Recipe(head="head_x", data_set="x", backbone_from="scratch", epochs=3)
    full, slim = (asdict(recipe_of(recipe, side, seed=7)) for side in ("full", "slim"))
    assert full == asdict(recipe) | {"seed": 7}
    assert {name for name in full if full[name] != slim[name]} == {"tower_depth", "tower_channels"}


def test_equal_sides_are_within_a_point_and_a_side_that_finds_nothing_is_not():
    ground_truth, results = random_coco_files(1)
    found = {"set": matches_at_all_overlaps(ground_truth, results)}
    nothing = {"set": matches_at_all_overlaps(ground_truth, [])}
    equal = figures([found], [found], [0])
    assert (equal["slim_minus_full"], equal["interval"], equal["is_within_a_point"]) == (0.0, [0.0, 0.0], True)
    worse = figures([found, found], [nothing, nothing], [0, 1])
    assert worse["slim_minus_full"] == pytest.approx(-equal["AP_full"][0], abs=1e-4)
    assert worse["interval"][1] < 0
    assert not worse["is_within_a_point"]


def test_rows_of_another_recipe_stay_in_the_file(tmp_path):
    write({"fruit": 1, "raccoon": 2}, tmp_path / "slim.json")
    write({"raccoon": 3}, tmp_path / "slim.json")
    assert json.loads((tmp_path / "slim.json").read_text())["rows"] == {"fruit": 1, "raccoon": 3}
