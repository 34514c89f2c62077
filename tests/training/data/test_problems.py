"""What is broken is left out, counted and named; the rest is used."""

import json
import math

import pytest
from PIL import Image

from tests.training.data.photos_on_disk import coco_folder, paint
from training.data.box_check import checked_box
from training.data.coco_photos import CocoPhotos
from training.data.photo_check import PhotoChecks
from training.data.problems import summary, write_report

NAN = math.nan


@pytest.mark.parametrize(
    ("bbox", "corners", "kind"),
    [
        ([8, 6, 10, 20], (8, 6, 18, 26), None),
        ([0, 0, 80, 60], (0, 0, 80, 60), None),
        ([-0.5, 0, 81, 60], (0, 0, 80, 60), None),  # a rounding
        ([70, 50, 40, 40], (70, 50, 80, 60), "box cut"),
        ([-20, -20, 50, 50], (0, 0, 30, 30), "box cut"),
        ([80, 0, 10, 10], None, "box outside"),
        ([-30, 0, 20, 20], None, "box outside"),
        ([5, 5, 0, 20], None, "box empty"),
        ([5, 5, 20, -3], None, "box empty"),
        ([NAN, 5, 20, 20], None, "box not finite"),
        ([5, 5, math.inf, 20], None, "box not finite"),
        ([5, 5, 20], None, "box malformed"),
        (None, None, "box malformed"),
        (["5", 5, 20, 20], None, "box malformed"),
        ([True, 5, 20, 20], None, "box malformed"),
    ],
)
def test_a_box_is_used_cut_or_left_out_by_what_is_wrong_with_it(bbox, corners, kind):
    found, found_kind, detail = checked_box(bbox, 80, 60)
    assert found == corners
    assert found_kind == kind
    assert bool(detail) == (kind is not None)


def broken_boxes(tmp_path):
    boxes = [[("cat", [8, 6, 10, 20]), ("dog", [5, 5, 0, 20]), ("cat", [NAN, 1, 2, 3])], [("dog", [90, 5, 10, 10])]]
    folder = coco_folder(tmp_path / "set", boxes)
    dataset = json.loads((folder / "annotations.json").read_text())
    dataset["annotations"] += [
        {"id": 90, "image_id": 77, "category_id": 0, "bbox": [1, 1, 5, 5]},
        {"id": 91, "image_id": 0, "category_id": 9, "bbox": [1, 1, 5, 5]},
    ]
    dataset["images"] += [{"id": 5, "file_name": "flat.jpg", "width": 0, "height": 60}, {"id": 6}]
    (folder / "annotations.json").write_text(json.dumps(dataset))
    return CocoPhotos(folder, "train")


def test_broken_boxes_and_images_are_listed_and_everything_else_is_there(tmp_path):
    photos = broken_boxes(tmp_path)
    assert [photo.labels for photo in photos.photos] == [("cat",), ()]
    assert sorted((problem.kind, problem.photo) for problem in photos.problems) == [
        ("box empty", "0.jpg"),
        ("box not finite", "0.jpg"),
        ("box of unknown label", "0.jpg"),
        ("box of unknown photo", "image_id 77"),
        ("box outside", "1.jpg"),
        ("photo of another size", "flat.jpg"),
        ("photo unreadable", "image 6"),
    ]
    assert len(photos.ground_truth().dataset["annotations"]) == 1


def broken_photos(tmp_path):
    folder = coco_folder(tmp_path / "set", [[]] * 6)
    images = folder / "images"
    content = (images / "1.jpg").read_bytes()
    (images / "1.jpg").write_bytes(content[: len(content) // 2])
    (images / "2.jpg").unlink()
    (images / "3.jpg").write_bytes(b"this is no photo")
    paint(images / "4.jpg", (90, 60))
    (images / "5.jpg").write_bytes(b"")
    return CocoPhotos(folder, "train")


EXPECTED = [
    ("photo truncated", "1.jpg"),
    ("photo missing", "2.jpg"),
    ("photo unreadable", "3.jpg"),
    ("photo of another size", "4.jpg"),
    ("photo unreadable", "5.jpg"),
]


def test_broken_photos_are_left_out_and_listed(tmp_path):
    photos = broken_photos(tmp_path).without_broken_photos(PhotoChecks())
    assert [photo.path.name for photo in photos.photos] == ["0.jpg"]
    assert [(problem.kind, problem.photo) for problem in photos.problems] == EXPECTED
    assert [image["id"] for image in photos.ground_truth().dataset["images"]] == [0]


def test_findings_are_remembered_until_the_file_changes(tmp_path, monkeypatch):
    photos = broken_photos(tmp_path)
    memory = tmp_path / "runs" / "checks.json"
    first = PhotoChecks(memory).check(photos.photos)
    opened = []
    real_open = Image.open

    def noted_open(path, *rest):
        opened.append(path.name)
        return real_open(path, *rest)

    monkeypatch.setattr(Image, "open", noted_open)
    assert PhotoChecks(memory).check(photos.photos) == first
    assert opened == []
    paint(tmp_path / "set" / "images" / "3.jpg")
    assert PhotoChecks(memory).check(photos.photos)[3] is None
    assert opened == ["3.jpg"]


def test_a_torn_memory_only_costs_the_checks_again(tmp_path):
    photos = broken_photos(tmp_path)
    memory = tmp_path / "checks.json"
    memory.write_text('{"torn')
    assert [p and p.kind for p in PhotoChecks(memory).check(photos.photos)] == [None, *(kind for kind, _ in EXPECTED)]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_photo_cut_at_any_tenth_of_its_length_is_found(tmp_path, suffix):
    folder = coco_folder(tmp_path / "set", [[]])
    (photo,) = CocoPhotos(folder, "train").photos
    path = paint(tmp_path / f"whole.{suffix}", (80, 60))
    content = path.read_bytes()
    for tenth in range(1, 10):
        photo.path.write_bytes(content[: len(content) * tenth // 10])
        (problem,) = PhotoChecks().check([photo])
        assert problem is not None, tenth
        assert problem.kind in ("photo truncated", "photo unreadable")


def test_the_real_broken_photos_are_told_from_the_whole_ones(genod_data, tmp_path):
    expected = json.loads((genod_data / "photos" / "expected.json").read_text())
    names = {path.name for path in (genod_data / "photos").iterdir()} - {"expected.json"}
    assert names, expected
    broken = [name for name in sorted(names) if "trunc" in name.lower()]
    assert broken
    for name in broken:
        photo = CocoPhotos(coco_folder(tmp_path / name, [[]]), "train").photos[0]
        photo.path.write_bytes((genod_data / "photos" / name).read_bytes())
        assert PhotoChecks().check([photo])[0] is not None, name


def test_the_report_names_every_photo_and_the_summary_counts(tmp_path):
    photos = broken_boxes(tmp_path)
    write_report(tmp_path / "run" / "problems.json", {"set train": photos.problems, "set val": []})
    report = json.loads((tmp_path / "run" / "problems.json").read_text())
    assert report["set val"] == {"counts": {}, "problems": []}
    assert report["set train"]["counts"]["box empty"] == 1
    assert {problem["photo"] for problem in report["set train"]["problems"]} >= {"0.jpg", "1.jpg", "flat.jpg"}
    line = summary("set train", photos.problems)
    assert line.startswith("set train: 7 photos or boxes left out (1 photo unreadable, 1 photo of another size")
    assert summary("set val", []) == "set val: no broken photo or box"
