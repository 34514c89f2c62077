"""Pascal VOC: pixels counted from 1, files that break, objects that are difficult."""

import pytest

from tests.training.data.photos_on_disk import paint
from training.data.coco_photos import CocoPhotos
from training.data.errors import ReaderError


def voc(folder, contents, listed=None):
    for name, objects in contents.items():
        paint(folder / "JPEGImages" / f"{name}.jpg")
        (folder / "Annotations").mkdir(exist_ok=True)
        size = "<size><width>80</width><height>60</height></size>"
        text = objects if objects.startswith("<?") else f"<annotation>{size}{objects}</annotation>"
        (folder / "Annotations" / f"{name}.xml").write_text(text)
    if listed is not None:
        (folder / "ImageSets" / "Main").mkdir(parents=True)
        (folder / "ImageSets" / "Main" / "train.txt").write_text("\n".join(listed))
    return folder


def thing(label, *corners, extra=""):
    names = ("xmin", "ymin", "xmax", "ymax")
    sides = "".join(f"<{name}>{value}</{name}>" for name, value in zip(names, corners, strict=True))
    return f"<object><name>{label}</name>{extra}<bndbox>{sides}</bndbox></object>"


def test_the_first_pixel_is_one_and_the_last_belongs_to_the_box(tmp_path):
    photos = CocoPhotos(voc(tmp_path, {"a": thing("cat", 1, 1, 80, 60) + thing("cat", 11, 21, 11, 21)}, ["a"]), "train")
    assert photos.photos[0].boxes.tolist() == [[0, 0, 80, 60], [10, 20, 11, 21]]
    assert photos.problems == []


def test_a_difficult_object_is_neither_learnt_nor_background(tmp_path):
    folder = voc(tmp_path, {"a": thing("cat", 1, 1, 20, 20, extra="<difficult>1</difficult>")}, ["a"])
    (photo,) = CocoPhotos(folder, "train").photos
    assert photo.labels == ()
    assert not photo.is_known("cat")


def test_a_broken_file_is_counted_and_the_others_are_read(tmp_path):
    contents = {"good": thing("cat", 1, 1, 20, 20), "torn": "<?xml version='1.0'?><annotation><obj"}
    photos = CocoPhotos(voc(tmp_path, contents, ["good", "torn", "gone"]), "train")
    assert [photo.path.stem for photo in photos.photos] == ["good"]
    assert sorted((p.kind, p.photo) for p in photos.problems) == [
        ("file unreadable", "gone.xml"),
        ("file unreadable", "torn.xml"),
    ]


def test_a_box_without_numbers_is_counted(tmp_path):
    folder = voc(
        tmp_path, {"a": thing("cat", 1, 1, 20, 20) + thing("dog", "x", 1, 2, 3) + thing("dog", 9, 9, 5, 5)}, ["a"]
    )
    photos = CocoPhotos(folder, "train")
    assert photos.photos[0].labels == ("cat",)
    assert [problem.kind for problem in photos.problems] == ["box not finite", "box empty"]
    assert "dog" in photos.problems[0].detail


def test_both_splits_have_the_same_categories(tmp_path):
    folder = voc(tmp_path, {"a": thing("cat", 1, 1, 20, 20), "b": thing("dog", 1, 1, 20, 20)}, ["a"])
    (folder / "ImageSets" / "Main" / "val.txt").write_text("b\n")
    assert CocoPhotos(folder, "train").category_ids == CocoPhotos(folder, "val").category_ids == {"cat": 1, "dog": 2}


def test_a_folder_without_photos_is_refused(tmp_path):
    (tmp_path / "Annotations").mkdir()
    with pytest.raises(ReaderError, match="neither JPEGImages/ nor images/"):
        CocoPhotos(tmp_path, "train")
