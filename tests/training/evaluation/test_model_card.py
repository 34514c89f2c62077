"""The figures in the model card are those of the committed weights."""

import json
import re

import pytest

from training.data.coco_photos import CocoPhotos
from training.evaluation.evaluate_repository import RepositoryDetector, evaluate_repository
from training.taxonomy import load_mapping_of, load_taxonomy

FLOORS_AP50 = {"coco_mini": 0.40, "microcontrollers": 0.80}


@pytest.mark.parametrize("name", FLOORS_AP50)
def test_the_committed_weights_reach_the_card_s_figures(name, genod_data, repo_root):
    published = json.loads((repo_root / "docs/model_card_metrics.json").read_text())[name]
    detector = RepositoryDetector(repo_root / "model_repository")
    photos = CocoPhotos(genod_data / "detection" / name, "val")
    metrics = evaluate_repository(detector, photos, load_mapping_of(name, load_taxonomy()))
    assert pytest.approx(published["AP50"], abs=0.005) == metrics.AP50
    assert pytest.approx(published["AP"], abs=0.005) == metrics.AP
    assert FLOORS_AP50[name] <= metrics.AP50


@pytest.mark.parametrize("name", FLOORS_AP50)
def test_the_card_says_what_the_metrics_file_says(name, repo_root):
    published = json.loads((repo_root / "docs/model_card_metrics.json").read_text())[name]
    card = (repo_root / "docs/MODEL_CARD.md").read_text()
    (row,) = re.findall(rf"^\| {name} val .*$", card, flags=re.MULTILINE)
    assert f"{published['AP50']:.3f}" in row
    assert f"{published['AP']:.3f}" in row
