"""`python -m training data`: sets, classes, what is unknown, what is broken, and Figure 4 as a picture."""

import json

import pytest
from PIL import Image

from tests.training.data.photos_on_disk import coco_folder
from training.__main__ import main
from training.data.class_balance_plot import plot_class_balance


@pytest.fixture
def sets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.engine.training_data.REPOSITORY_ROOT", tmp_path)
    cats = [[("cat", [1, 1, 20, 20])], [("dog", [1, 1, 20, 20])], [("dog", [1, 1, 0, 20])], [("dog", [3, 3, 9, 9])]]
    coco_folder(tmp_path / "coco_mini", cats)
    coco_folder(tmp_path / "raccoon", [[("raccoon", [1, 1, 20, 20])], []], labels=("raccoon",))
    (tmp_path / "raccoon" / "images" / "1.jpg").write_bytes(b"")
    return tmp_path


def output_of(capsys, *arguments):
    assert main(["data", *arguments, "--plot", "plot.png", "--problems", "problems.json"]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_sets_are_shown_before_and_after_with_what_is_unknown_and_broken(sets, capsys):
    output = output_of(capsys, "./coco_mini", "./raccoon", "--min-boxes-per-class", "6")
    assert "unknown on coco_mini: raccoon" in output
    assert "unknown on raccoon: cat, dog" in output
    assert "cat │ 1 │ 6" in output
    assert "dog │ 2 │ 6" in output
    assert "raccoon │ 1 │ 6" in output
    assert "all │ 4 │ 18" in output
    assert "coco_mini train: 1 photos or boxes left out (1 box empty)" in output
    assert "raccoon train: 1 photos or boxes left out (1 photo unreadable)" in output
    report = json.loads((sets / "problems.json").read_text())
    assert report["raccoon train"]["problems"][0]["photo"] == "1.jpg"
    assert Image.open(sets / "plot.png").size[0] > 500


def test_a_recipe_is_shown_as_it_samples(sets, capsys):
    recipe = sets / "recipe.yaml"
    options = "{coco_mini: {max_photos: 1, holds_none_of: [raccoon]}, raccoon: {repeat: 3}}"
    text = f"head: head_x\ndata_sets: {options}\nmin_boxes_per_class: 4\n"
    recipe.write_text(text.replace("coco_mini:", "./coco_mini:").replace("raccoon: {r", "./raccoon: {r"))
    output = output_of(capsys, str(recipe))
    assert "unknown on coco_mini: nothing" in output
    assert "below the minimum of 4 after" in output
    assert "raccoon │ 1 │ 4" in output


def test_a_set_whose_labels_mean_nothing_yet_is_one_line(sets, capsys):
    coco_folder(sets / "unheard_of", [[("cat", [1, 1, 20, 20])]])
    assert main(["data", "./unheard_of"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: no mapping for the dataset 'unheard_of'")
    assert len(error.splitlines()) == 1


def test_the_plot_draws_classes_without_a_box_too(tmp_path):
    plot_class_balance(tmp_path / "new" / "plot.png", {"a": 0, "b": 9}, {"a": 0, "b": 9}, min_boxes_per_class=0)
    assert (tmp_path / "new" / "plot.png").read_bytes().startswith(b"\x89PNG")
