"""The same three photos in four formats are the same labelled photos."""

import csv
import json

import pytest
import torch

from tests.training.data.photos_on_disk import coco_folder, paint
from training.data.coco_photos import CocoPhotos

SIZE = (80, 60)
BOXES = [
    [("cat", (8, 6, 40, 36)), ("dog", (20, 10, 79, 59))],
    [("dog", (1, 1, 31, 21))],
    [("cat", (0, 0, 80, 60))],
]
"""Corners in pixels from 0, the right and lower ones outside."""


def as_coco(folder):
    boxes = [[(label, [x1, y1, x2 - x1, y2 - y1]) for label, (x1, y1, x2, y2) in photo] for photo in BOXES]
    return coco_folder(folder, boxes)


def as_cocos_own(folder):
    own = as_coco(folder / "made")
    dataset = json.loads((own / "annotations.json").read_text())
    (folder / "annotations").mkdir()
    (folder / "annotations" / "instances_train2017.json").write_text(json.dumps(dataset))
    (own / "images").rename(folder / "train2017")
    return folder


def as_lvis(folder):
    dataset = json.loads((as_coco(folder / "made") / "annotations.json").read_text())
    for image in dataset["images"]:
        image["coco_url"] = f"http://images.example.org/train2017/{image.pop('file_name')}"
        image |= {"neg_category_ids": [0, 1], "not_exhaustive_category_ids": []}
    (folder / "lvis_v1_train.json").write_text(json.dumps(dataset))
    (folder / "made" / "images").rename(folder / "train2017")
    return folder


def as_voc(folder):
    (folder / "Annotations").mkdir(parents=True)
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    for k, photo in enumerate(BOXES):
        paint(folder / "JPEGImages" / f"{k}.jpg", SIZE)
        objects = "".join(
            f"<object><name>{label}</name><difficult>0</difficult><bndbox><xmin>{x1 + 1}</xmin><ymin>{y1 + 1}</ymin>"
            f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
            for label, (x1, y1, x2, y2) in photo
        )
        size = f"<size><width>{SIZE[0]}</width><height>{SIZE[1]}</height><depth>3</depth></size>"
        xml = f"<annotation><filename>{k}.jpg</filename>{size}{objects}</annotation>"
        (folder / "Annotations" / f"{k}.xml").write_text(xml)
    (folder / "ImageSets" / "Main" / "train.txt").write_text("0\n1\n2\n")
    return folder


def as_openimages(folder):
    with (folder / "oidv6-train-annotations-bbox.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax", "IsGroupOf"])
        for k, photo in enumerate(BOXES):
            paint(folder / "train" / f"{k}.jpg", SIZE)
            for label, (x1, y1, x2, y2) in photo:
                corners = (x1 / SIZE[0], x2 / SIZE[0], y1 / SIZE[1], y2 / SIZE[1])
                writer.writerow([k, "xclick", f"/m/{label}", 1, *corners, 0])
    with (folder / "train-annotations-human-imagelabels-boxable.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ImageID", "Source", "LabelName", "Confidence"])
        writer.writerows([k, "verification", f"/m/{label}", 0] for k in range(3) for label in ("cat", "dog"))
    (folder / "class-descriptions-boxable.csv").write_text("/m/cat,cat\n/m/dog,dog\n")
    return folder


@pytest.mark.parametrize("make", [as_coco, as_cocos_own, as_lvis, as_voc, as_openimages])
def test_every_format_gives_the_same_labelled_photos(make, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    photos = CocoPhotos(make(folder), "train")
    assert photos.problems == []
    assert photos.category_names == ("cat", "dog")
    assert [photo.path.stem for photo in photos.photos] == ["0", "1", "2"]
    for photo, expected in zip(photos.photos, BOXES, strict=True):
        assert photo.path.is_file()
        assert (photo.width_px, photo.height_px) == SIZE
        assert photo.labels == tuple(label for label, _ in expected)
        corners = torch.tensor([box for _, box in expected], dtype=torch.float32)
        torch.testing.assert_close(photo.boxes, corners, rtol=0, atol=1e-4)
        assert all(photo.is_known(label) for label in ("cat", "dog"))
        assert photo.data_set == "set"
