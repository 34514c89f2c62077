"""Sets of crops in every format, from folders that tests make and from the data folder."""

import json
from collections import Counter

import pytest
from PIL import Image

from tests.training.embedder.crop_worlds import COLOURS, paint_products
from training.data.errors import ReaderError
from training.data.readers.split_annotations import is_val_by_hash
from training.embedder.data import crop_set_folder, read_crop_set, read_whole_crop_set


def write_labels(folder, rows):
    (folder / "images").mkdir(parents=True)
    for row in rows:
        if isinstance(row, dict) and "file" in row:
            Image.new("RGB", (30, 20)).save(folder / row["file"])
    (folder / "labels.json").write_text(json.dumps(rows))
    return str(folder)


def row(name, **fields):
    return {"file": f"images/{name}.png"} | fields


def test_labels_json_gives_products_labels_roles_and_splits(tmp_path):
    name = write_labels(
        tmp_path / "shop",
        [
            row("a", role="train", fine="Gala", coarse="Apple", top="Fruit", fine_id=3),
            row("b", role="iconic", fine="Gala", coarse="Apple", top="Fruit"),
            row("c", role="test", fine="Oat", coarse="Milk", top="Packages"),
        ],
    )
    train, val = read_crop_set(name, "train"), read_crop_set(name, "val")
    assert [(crop.product, crop.role, crop.split) for crop in train] == [
        ("Gala", "train", "train"),
        ("Gala", "iconic", "train"),
    ]
    assert train[0].labels == {"fine": ("Gala",), "coarse": ("Apple",), "top": ("Fruit",)}
    assert [crop.product for crop in val] == ["Oat"]
    assert read_crop_set(name, "all") == [*train, *val]
    assert {crop.data_set for crop in train} == {"shop"}
    assert train[0].box_xyxy_px is None


def test_a_type_is_no_product_and_rows_without_a_role_are_for_val(tmp_path):
    clothes = write_labels(tmp_path / "clothes", [row("a", role="train", label="dress")])
    (crop,) = read_crop_set(clothes, "train")
    assert (crop.product, crop.labels) == (None, {"type": ("dress",)})
    logos = write_labels(tmp_path / "logos", [row("a", brand="acme")])
    assert [crop.product for crop in read_crop_set(logos, "val")] == ["acme"]
    with pytest.raises(ReaderError, match="has no crop in its split 'train'; ask for another"):
        read_crop_set(logos, "train")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"file": "a"}, "must be a list of"),
        ([{"file": "images/a.png"}], "row 0 must hold `file` and one of"),
        ([{"fine": "x"}], "row 0 must hold `file`"),
        ([{"file": "images/a.png", "fine": 3}], "row 0 must hold"),
        (
            [row("a", fine="x", role="query")],
            "role of row 0 must be one of train, iconic, test, val, or none; got 'query'",
        ),
    ],
)
def test_a_labels_json_that_says_something_else_is_refused(tmp_path, rows, message):
    with pytest.raises(ReaderError, match=message):
        read_crop_set(write_labels(tmp_path / "set", rows), "all")


def test_folders_named_by_label_are_split_by_hash_or_by_their_own_folders(tmp_path):
    by_hash = str(paint_products(tmp_path / "by_hash", products=5, images=8))
    everything = read_crop_set(by_hash, "all")
    assert Counter(crop.product for crop in everything) == dict.fromkeys(COLOURS[:5], 8)
    expected = [crop for crop in everything if is_val_by_hash(f"{crop.product}/{crop.path.name}")]
    assert read_crop_set(by_hash, "val") == expected
    assert 0 < len(expected) < 20
    paint_products(tmp_path / "own", products=2, images=3, split="train")
    paint_products(tmp_path / "own", products=2, images=1, split="test")
    assert len(read_crop_set(f"{tmp_path}/own", "train")) == 6
    assert {crop.path.parent.parent.name for crop in read_crop_set(f"{tmp_path}/own", "val")} == {"test"}


def test_boxes_of_a_detection_set_are_crops_with_labels_and_categories(tmp_path):
    folder = tmp_path / "coco_mini"  # whose labels the taxonomy knows
    (folder / "images").mkdir(parents=True)
    Image.new("RGB", (100, 60)).save(folder / "images" / "0.png")
    box = {"image_id": 0, "category_id": 1, "iscrowd": 0}
    document = {
        "images": [{"id": 0, "file_name": "0.png", "width": 100, "height": 60}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"id": 1, "bbox": [10, 20, 30, 25], **box},
            {"id": 2, "bbox": [0, 0, 5, 5], **box, "iscrowd": 1},
            {"id": 3, "bbox": [90, 50, -4, 5], **box},
        ],
    }
    (folder / "annotations.json").write_text(json.dumps(document))
    (folder / "split.json").write_text(json.dumps({"train": ["0.png"], "val": []}))
    read = read_whole_crop_set(str(folder), "train")
    (crop,) = read.crops
    assert crop.box_xyxy_px == (10.0, 20.0, 40.0, 45.0)
    assert crop.labels == {"label": ("cat",), "category": ("cat",)}
    assert crop.product is None
    assert [problem.kind for problem in read.problems] == ["box empty"]
    assert crop.open().size == (30, 25)


def test_images_that_cannot_be_read_are_left_out_and_named(tmp_path):
    folder = paint_products(tmp_path / "set", products=2, images=2)
    (folder / "red" / "0.png").write_bytes(b"no image")
    content = (folder / "green" / "1.png").read_bytes()
    (folder / "green" / "1.png").write_bytes(content[: len(content) // 2])
    read = read_whole_crop_set(str(folder), "all")
    assert sorted(crop.path.parent.name for crop in read.crops) == ["green", "red"]
    assert sorted((problem.kind, problem.photo) for problem in read.problems) == [
        ("photo truncated", "1.png"),
        ("photo unreadable", "0.png"),
    ]


def test_a_set_that_is_not_there_is_said_with_those_that_are(tmp_path, monkeypatch):
    (tmp_path / "retrieval" / "shop").mkdir(parents=True)
    monkeypatch.setenv("GENOD_DATA", str(tmp_path))
    assert crop_set_folder("shop") == tmp_path / "retrieval" / "shop"
    with pytest.raises(FileNotFoundError, match=r"no set 'ship' in .*retrieval or .*detection: shop"):
        crop_set_folder("ship")
    with pytest.raises(ReaderError, match=r"is no set of crops: it has no labels\.json"):
        read_crop_set("shop", "all")


@pytest.mark.parametrize(
    ("name", "train", "val", "products"),
    [("grocery_store", 486, 162, 81), ("clothing_small", 220, 80, 0), ("brand_logos", 0, 60, 6)],
)
def test_the_sets_of_the_data_folder_are_read_whole(genod_data, monkeypatch, name, train, val, products):
    monkeypatch.setenv("GENOD_DATA", str(genod_data))
    read = read_whole_crop_set(name, "all")
    assert Counter(crop.split for crop in read.crops) == Counter({"train": train, "val": val})
    assert len({crop.product for crop in read.crops} - {None}) == products
    assert not read.problems
