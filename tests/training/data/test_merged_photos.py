"""Several sets as one: classes are categories, what a set does not annotate is unknown there."""

import json

import numpy as np
import pytest
from PIL import Image

from training.data.coco_photos import CocoPhotos
from training.data.errors import SetOptionsError
from training.data.merged_photos import MergedPhotos, ancestor_table, in_categories
from training.data.set_options import SetOptions
from training.taxonomy import Category, DatasetMapping, Taxonomy

TAXONOMY = Taxonomy(
    (
        Category(1, "animal"),
        Category(2, "carnivore", ("animal",)),
        Category(3, "cat", ("carnivore",)),
        Category(4, "pet", ("animal",)),
        Category(5, "lap cat", ("cat", "pet")),
        Category(6, "kite"),
    )
)


def data_set(tmp_path, name, labels_per_photo):
    folder = tmp_path / name
    (folder / "images").mkdir(parents=True)
    labels = sorted({label for labels in labels_per_photo for label in labels})
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for k, labels_of_photo in enumerate(labels_per_photo):
        Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(folder / "images" / f"{k}.png")
        images.append({"id": k, "file_name": f"{k}.png", "width": 80, "height": 60})
        for label in labels_of_photo:
            box = {"image_id": k, "category_id": labels.index(label), "bbox": [1, 2, 30, 40], "area": 1200}
            annotations.append({"id": len(annotations), "iscrowd": 0, **box})
    categories = [{"id": k, "name": label} for k, label in enumerate(labels)]
    (folder / "annotations.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    names = [image["file_name"] for image in images]
    (folder / "split.json").write_text(json.dumps({"train": names, "val": names}))
    return CocoPhotos(folder, "train")


def mapped(photos, **category_of_label):
    ids = {label.replace("_", " "): TAXONOMY.id_of(name) for label, name in category_of_label.items()}
    return in_categories(photos, DatasetMapping(photos.name, photos.folder, ids), TAXONOMY)


@pytest.fixture
def sets(tmp_path):
    zoo = data_set(tmp_path, "zoo", [["Katze"], ["beast"], ["Katze", "beast"], ["Kater"]])
    park = data_set(tmp_path, "park", [["dragon"], ["purrer", "dragon"]])
    return [
        mapped(zoo, Katze="cat", Kater="cat", beast="animal"),
        mapped(park, dragon="kite", purrer="lap cat"),
    ]


OPTIONS = {"zoo": SetOptions(), "park": SetOptions()}


def test_the_classes_are_the_categories_of_all_sets_once(sets):
    merged = MergedPhotos.of(sets, OPTIONS, TAXONOMY)
    assert merged.category_names == ("animal", "cat", "lap cat", "kite")
    assert merged.category_ids == (1, 3, 5, 6)
    assert [photo.labels for photo in merged.photos] == [
        ("cat",),
        ("animal",),
        ("cat", "animal"),
        ("cat",),
        ("kite",),
        ("lap cat", "kite"),
    ]


def test_what_a_set_does_not_annotate_is_unknown_on_its_photos(sets):
    merged = MergedPhotos.of(sets, OPTIONS, TAXONOMY)
    known = [[photo.is_known(name) for name in merged.category_names] for photo in merged.photos]
    assert known == [[True, True, False, False]] * 4 + [[False, False, True, True]] * 2


def test_what_a_set_is_said_to_hold_nothing_of_is_background_there(sets):
    options = {"zoo": SetOptions(holds_none_of=("kite",)), "park": SetOptions(holds_none_of=("zoo",))}
    merged = MergedPhotos.of(sets, options, TAXONOMY)
    assert [merged.photos[0].is_known(name) for name in merged.category_names] == [True, True, False, True]
    assert [merged.photos[4].is_known(name) for name in merged.category_names] == [True] * 4


@pytest.mark.parametrize(
    ("names", "message"),
    [(("zebra",), "zebra is neither a set of the recipe"), (("park", "cat"), "the set labels cat itself")],
)
def test_a_claim_of_absence_that_cannot_be_is_refused(sets, names, message):
    with pytest.raises(SetOptionsError, match=message):
        MergedPhotos.of(sets, {**OPTIONS, "zoo": SetOptions(holds_none_of=names)}, TAXONOMY)


def test_the_ancestor_table_equals_a_walk_up_all_parents():
    ids = [category.id for category in TAXONOMY][::-1]
    table = ancestor_table(ids, TAXONOMY)

    def is_above(upper, lower):
        return any(parent == upper or is_above(upper, parent) for parent in TAXONOMY.parents(lower))

    assert table.tolist() == [[is_above(column, row) for column in ids] for row in ids]


def test_a_set_is_downsampled_to_the_same_photos_every_time_and_to_others_with_another_seed(tmp_path):
    large = mapped(data_set(tmp_path, "large", [["cat"]] * 40), cat="cat")

    def kept(seed=0, **options):
        merged = MergedPhotos.of([large], {"large": SetOptions(**options)}, TAXONOMY, seed=seed)
        return [photo.image_id for photo in merged.photos]

    assert len(kept(keep_share=0.25)) == 10
    assert len(kept(max_photos=7)) == 7
    assert len(kept(keep_share=0.5, max_photos=30)) == 20
    assert kept(max_photos=7) == kept(max_photos=7)
    assert kept(max_photos=7) != kept(max_photos=7, seed=1)
    assert set(kept(max_photos=7)) < set(kept(max_photos=20))


def test_rare_categories_are_upsampled_over_all_sets_on_top_of_the_sets_own_repeats(sets):
    options = {**OPTIONS, "zoo": SetOptions(repeat=2)}
    merged = MergedPhotos.of(sets, options, TAXONOMY, min_boxes_per_class=5)
    assert merged.boxes_before() == {"animal": 2, "cat": 3, "lap cat": 1, "kite": 2}
    assert min(merged.boxes_after().values()) >= 5
    assert min(merged.repeats[:4]) >= 2
    assert len(merged.shown_photos()) == sum(merged.repeats)


def test_the_ground_truth_of_a_set_in_categories_names_categories(sets):
    ground_truth = sets[0].ground_truth()
    assert [(c["id"], c["name"]) for c in ground_truth.dataset["categories"]] == [(3, "cat"), (1, "animal")]
    assert sorted(a["category_id"] for a in ground_truth.dataset["annotations"]) == [1, 1, 3, 3, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep_shares": 1}, "zoo: unknown option keep_shares; known are keep_share"),
        ({"keep_share": 0}, r"keep_share must be in \(0, 1\], got 0"),
        ({"repeat": 0}, "repeat 1 or more"),
        (3, "zoo must be a mapping"),
        ({"holds_none_of": "park"}, "holds_none_of must be a list, got 'park'"),
        ({"shorter_side_range_px": [500, 300]}, r"must be \[low, high\] with 32 <= low <= high, got \[500, 300\]"),
        ({"vertical_flip": 1}, "vertical_flip must be true or false, got 1"),
        ({"keep_share": "half"}, "keep_share must be a number, got 'half'"),
    ],
)
def test_wrong_options_are_refused_by_set_and_name(options, message):
    with pytest.raises(SetOptionsError, match=message):
        SetOptions.of("zoo", options)
