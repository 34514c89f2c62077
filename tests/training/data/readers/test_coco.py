"""COCO's and LVIS's own layouts, what LVIS knows of an image, and the peers' real files."""

import json
import shutil

import pytest

from tests.training.data.photos_on_disk import coco_folder
from training.data.coco_photos import CocoPhotos
from training.data.errors import ReaderError


def lvis(folder, images, annotations, labels=("cat", "dog", "kite")):
    folder.mkdir()
    (folder / "images").mkdir()
    dataset = {
        "images": [{"id": k, "file_name": f"{k}.jpg", "width": 80, "height": 60, **i} for k, i in enumerate(images)],
        "annotations": [
            {"id": k, "image_id": image, "category_id": category, "bbox": [1, 2, 30, 40], "area": 1200}
            for k, (image, category) in enumerate(annotations)
        ],
        "categories": [{"id": k, "name": name} for k, name in enumerate(labels)],
    }
    (folder / "annotations.json").write_text(json.dumps(dataset))
    (folder / "split.json").write_text(json.dumps({"train": [f"{k}.jpg" for k in range(len(images))], "val": []}))
    return CocoPhotos(folder, "train")


def test_lvis_knows_of_an_image_what_is_boxed_or_checked_to_be_absent_and_complete(tmp_path):
    photos = lvis(
        tmp_path / "lvis",
        [
            {"neg_category_ids": [1], "not_exhaustive_category_ids": []},
            {"neg_category_ids": [], "not_exhaustive_category_ids": [0]},
        ],
        [(0, 0), (1, 0), (1, 2)],
    ).photos
    known = [[photo.is_known(name) for name in ("cat", "dog", "kite")] for photo in photos]
    assert known == [[True, True, False], [False, False, True]]
    assert photos[1].labels == ("cat", "kite")  # not all are boxed, those that are count


def test_a_crowd_is_no_object_and_its_label_not_exhaustive(tmp_path):
    folder = coco_folder(tmp_path / "set", [[("cat", [1, 2, 30, 40]), ("dog", [5, 5, 20, 20])]])
    dataset = json.loads((folder / "annotations.json").read_text())
    dataset["annotations"][1]["iscrowd"] = 1
    (folder / "annotations.json").write_text(json.dumps(dataset))
    photos = CocoPhotos(folder, "train")
    assert photos.photos[0].labels == ("cat",)
    assert [photos.photos[0].is_known(name) for name in ("cat", "dog")] == [True, False]
    assert [a["iscrowd"] for a in photos.ground_truth().dataset["annotations"]] == [0, 1]


def test_split_json_decides_or_else_every_fifth_name_for_good(tmp_path):
    folder = coco_folder(tmp_path / "set", [[]] * 200, paint_photos=False, split={"train": ["3.jpg"], "val": ["5.jpg"]})
    assert [photo.path.name for photo in CocoPhotos(folder, "val").photos] == ["5.jpg"]
    (folder / "split.json").unlink()
    train, val = ({photo.path.name for photo in CocoPhotos(folder, split).photos} for split in ("train", "val"))
    assert train | val == {f"{k}.jpg" for k in range(200)}
    assert not train & val
    assert 20 <= len(val) <= 60


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "no list 'images'"),
        ('{"images": [{}], "categories": [], "annotations": []}', "entry 0 of 'images' has no 'id'"),
        ('{"images": [], "categories": [{"id": 1}], "annotations": []}', "entry 0 of 'categories' has no 'name'"),
    ],
)
def test_what_is_not_cocos_format_is_refused_by_file_and_place(tmp_path, content, message):
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations.json").write_text(content)
    with pytest.raises(ReaderError, match=message) as caught:
        CocoPhotos(tmp_path, "train")
    assert "annotations.json" in str(caught.value)


def test_a_folder_in_no_format_says_which_there_are(tmp_path):
    with pytest.raises(ReaderError, match="COCO, LVIS, Pascal VOC or OpenImages"):
        CocoPhotos(tmp_path, "train")
    with pytest.raises(FileNotFoundError, match="no folder"):
        CocoPhotos(tmp_path / "nowhere", "train")


def reference(genod_data, tmp_path, name):
    folder = tmp_path / "reference"
    (folder / "images").mkdir(parents=True)
    shutil.copy(genod_data / "reference" / name, folder / "annotations.json")
    dataset = json.loads((folder / "annotations.json").read_text())
    names = [i.get("file_name") or "/".join(i["coco_url"].split("/")[-2:]) for i in dataset["images"]]
    (folder / "split.json").write_text(json.dumps({"train": names, "val": []}))
    return CocoPhotos(folder, "train"), dataset


def test_cocos_real_file_is_read_to_the_last_box(genod_data, tmp_path):
    photos, dataset = reference(genod_data, tmp_path, "coco/instances_val2014_100.json")
    objects = [a for a in dataset["annotations"] if not a["iscrowd"]]
    assert len(photos.photos) == 100
    assert len(photos.category_names) == 80
    assert sum(len(photo.labels) for photo in photos.photos) == len(objects)
    assert len(photos.ground_truth().dataset["annotations"]) == len(dataset["annotations"])
    assert [problem for problem in photos.problems if problem.kind != "box cut"] == []


def test_lvis_s_real_file_is_read_to_the_last_box_and_list(genod_data, tmp_path):
    photos, dataset = reference(genod_data, tmp_path, "lvis/lvis_val_100.json")
    assert sum(len(photo.labels) for photo in photos.photos) == len(dataset["annotations"]) == 977
    names = {c["id"]: c["name"] for c in dataset["categories"]}
    for image, photo in zip(dataset["images"], photos.photos, strict=True):
        boxed = {a["category_id"] for a in dataset["annotations"] if a["image_id"] == image["id"]}
        known = (boxed | set(image["neg_category_ids"])) - set(image["not_exhaustive_category_ids"])
        assert {name for name in names.values() if photo.is_known(name)} == {names[k] for k in known}
