"""What a newcomer brings is new indeed, and what did not work is not reported as success."""

import json

import pytest
import yaml

from tests.training.data.photos_on_disk import coco_folder
from training.data.coco_photos import CocoPhotos
from training.engine.recipe import Recipe
from training.studies.new_head import NewHeadFailed, Step, main, prepare, report, timed
from training.taxonomy import TaxonomyError, load_mapping_of, load_taxonomy

STEPS = [Step("a", 100.0, 90.0), Step("b", 200.0, 150.0)]
FOUND = {"1.jpg": 0.9, "2.jpg": 0.5, "3.jpg": None}


def certificate(*, after="a", **categories):
    rows = [
        {"data_set": "s", "label": label, "before": before, "after": now} for label, (before, now) in categories.items()
    ]
    return {
        "classes": {"fox": 7},
        "trained_on": [{"name": "s", "role": "data_set", "train_photos": 3, "photos_sha256": "0"}],
        "probe": [{"head": "head_old", "before_sha256": "a", "after_sha256": after}],
        "categories": rows,
    }


def test_the_label_is_one_that_nobody_knows_and_the_photos_are_the_same(tmp_path):
    source = coco_folder(tmp_path / "cats", [[("cat", [10, 5, 20, 20])], []], labels=("cat",))
    like = tmp_path / "cats.yaml"
    like.write_text(yaml.safe_dump({"head": "head_cat", "data_set": str(source), "backbone_from": "model_repository"}))
    (tmp_path / "into" / "checkout" / "recipes").mkdir(parents=True)
    recipe = Recipe.load(prepare(tmp_path / "into" / "checkout", like, "trash panda", "carnivore"))
    assert (recipe.head, recipe.data_set, recipe.categories) == (
        "head_newcomer",
        "../newcomer",
        {"trash panda": ["carnivore"]},
    )
    photos = CocoPhotos(tmp_path / "into" / "newcomer", "train")
    assert [photo.labels for photo in photos.photos] == [("trash panda",), ()]
    assert photos.photos[0].path.read_bytes() == (source / "images" / "0.jpg").read_bytes()
    taxonomy = load_taxonomy()
    with pytest.raises(TaxonomyError):
        taxonomy.id_of("trash panda")
    with pytest.raises(TaxonomyError):
        load_mapping_of("newcomer", taxonomy)


def test_the_report_adds_up_and_says_what_was_found():
    result = report(STEPS, certificate(fox=(None, 0.6), cat=(0.5, 0.49)), FOUND)
    assert (result["wall_s"], result["processor_s"], result["is_within_goal"]) == (300.0, 240.0, True)
    assert (result["AP_of_the_new"], result["largest_loss_of_another"]) == ({"fox": 0.6}, 0.01)
    assert result["other_heads_identical"]
    assert result["is_found_in_most"]
    assert json.loads(json.dumps(result)) == result


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"certificate": certificate(after="b")}, "other_heads_identical"),
        ({"certificate": certificate() | {"probe": []}}, "other_heads_identical"),
        ({"best_scores": FOUND | {"2.jpg": None}}, "is_found_in_most"),
        ({"best_scores": {}}, "is_found_in_most"),
        ({"steps": [Step("a", 901.0, 1.0)]}, "is_within_goal"),
    ],
)
def test_what_failed_is_not_reported_as_success(changed, field):
    arguments = {"steps": STEPS, "certificate": certificate(), "best_scores": FOUND} | changed
    assert report(**arguments)[field] is False


def test_a_command_that_fails_ends_the_walk_through_by_name(genod_data, tmp_path):
    with pytest.raises(NewHeadFailed, match=r"json\.tool nothing.json ended with status"):
        timed(tmp_path, "json.tool", "nothing.json")


def test_a_folder_that_is_there_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--into", str(tmp_path)])
    assert "--into must not exist" in capsys.readouterr().err
