"""OpenImages: parts of the photo, groups, what people have verified, codes."""

import csv
import json

import pytest

from tests.training.data.photos_on_disk import paint
from training.data.coco_photos import CocoPhotos
from training.data.errors import ReaderError

BOX_HEADER = ["ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax", "IsGroupOf"]
LABEL_HEADER = ["ImageID", "LabelName", "Confidence"]


def write(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def openimages(folder, boxes, labels, *, names="/m/c,Cat\n/m/d,Dog\n/m/k,Kite\n", photos=("a",)):
    write(folder / "validation-annotations-bbox.csv", BOX_HEADER, boxes)
    write(folder / "validation-annotations-human-imagelabels-boxable.csv", LABEL_HEADER, labels)
    if names:
        (folder / "class-descriptions-boxable.csv").write_text(names)
    (folder / "validation").mkdir()
    for name in photos:
        paint(folder / "validation" / f"{name}.jpg", (200, 100))
    return CocoPhotos(folder, "val")


def test_boxes_are_parts_of_the_photo(tmp_path):
    photos = openimages(tmp_path, [["a", "/m/c", 0.25, 0.5, 0.1, 0.9, 0]], [])
    assert photos.photos[0].boxes.tolist() == [[50, 10, 100, 90]]
    assert photos.photos[0].labels == ("Cat",)


def test_only_what_a_person_has_verified_or_boxed_is_known(tmp_path):
    labels = [["a", "/m/d", 0], ["a", "/m/k", 0.7], ["b", "/m/k", 1]]
    photos = openimages(tmp_path, [["a", "/m/c", 0, 1, 0, 1, 0]], labels, photos=("a", "b")).photos
    known = [[photo.is_known(name) for name in ("Cat", "Dog", "Kite")] for photo in photos]
    assert known == [[True, True, False], [False, False, True]]  # 0.7 is what a machine thought


ANIMAL, CARNIVORE, CAT, DOG, KITE = "/m/0jbk", "/m/01lrl", "/m/01yrx", "/m/0bt9lr", "/m/02zt3"
REAL_NAMES = f"{ANIMAL},Animal\n{CARNIVORE},Carnivore\n{CAT},Cat\n{DOG},Dog\n{KITE},Kite\n"


@pytest.mark.parametrize("has_file", [False, True])
def test_where_a_class_is_not_its_kinds_are_not_either(tmp_path, has_file):
    """By the hierarchy that lies in the folder, here one in which a dog is no animal, or else by the taxonomy."""
    if has_file:
        tree = {"LabelName": "/m/entity", "Subcategory": [{"LabelName": ANIMAL, "Subcategory": [{"LabelName": CAT}]}]}
        (tmp_path / "bbox_labels_600_hierarchy.json").write_text(json.dumps(tree))
    labels = [["a", ANIMAL, 0], ["b", ANIMAL, 1], ["c", CAT, 0], ["d", ANIMAL, 0.2]]
    photos = openimages(tmp_path, [], labels, names=REAL_NAMES, photos="abcd").photos
    known = [{name for name in ("Animal", "Cat", "Dog", "Kite") if photo.is_known(name)} for photo in photos]
    assert known == [{"Animal", "Cat"} if has_file else {"Animal", "Cat", "Dog"}, {"Animal"}, {"Cat"}, set()]


def test_a_cat_is_known_where_it_has_a_box_though_somebody_saw_no_animal(tmp_path):
    photos = openimages(tmp_path, [["a", CAT, 0, 1, 0, 1, 0]], [["a", ANIMAL, 0]], names=REAL_NAMES)
    assert photos.photos[0].labels == ("Cat",)
    assert photos.photos[0].is_known("Cat")


def test_a_group_is_no_object_and_may_hide_more(tmp_path):
    boxes = [["a", "/m/c", 0, 0.5, 0, 1, 1], ["a", "/m/c", 0.6, 0.9, 0, 1, 0]]
    photos = openimages(tmp_path, boxes, [])
    assert photos.photos[0].boxes.tolist() == [[120, 0, 180, 100]]
    assert not photos.photos[0].is_known("Cat")
    assert [a["is_group_of"] for a in photos.ground_truth().dataset["annotations"]] == [True, False]


def test_without_a_file_of_names_the_taxonomy_s_codes_are_taken(tmp_path):
    photos = openimages(tmp_path, [["a", "/m/01yrx", 0, 1, 0, 1, 0]], [], names="")
    assert photos.photos[0].labels == ("Cat",)


def test_missing_photos_broken_photos_and_unknown_codes_are_counted(tmp_path):
    (tmp_path / "set").mkdir()
    boxes = [[name, code, 0, 1, 0, 1, 0] for name, code in (("a", "/m/c"), ("a", "/m/none"), ("gone", "/m/c"))]
    boxes.append(["a", "/m/d", "", 1, 0, 1, 0])
    photos = openimages(tmp_path / "set", boxes, [])
    assert photos.photos[0].labels == ("Cat",)
    assert sorted((problem.kind, problem.photo) for problem in photos.problems) == [
        ("box not finite", "a.jpg"),
        ("box of unknown label", "a.jpg"),
        ("photo missing", "gone.jpg"),
    ]


def test_a_file_without_a_column_is_refused_by_name(tmp_path):
    write(tmp_path / "train-annotations-bbox.csv", BOX_HEADER[:-3], [])
    (tmp_path / "train").mkdir()
    with pytest.raises(ReaderError, match="no column YMin, YMax"):
        CocoPhotos(tmp_path, "train")


def test_the_real_file_of_names_is_read(genod_data, tmp_path):
    names = (genod_data / "reference" / "openimages" / "class-descriptions-boxable.csv").read_text()
    photos = openimages(tmp_path, [["a", "/m/0162_1", 0, 1, 0, 1, 0]], [], names=names)
    assert len(photos.category_names) == 601
    assert photos.photos[0].labels == ("Towel",)
