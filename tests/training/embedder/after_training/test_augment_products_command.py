import json

import numpy as np
import pytest
from PIL import Image

from tests.training.embedder.tiny_run import PRODUCTS
from training.__main__ import main
from training.data.oracle.detections import OracleDetections
from training.embedder.after_training.candidates import find_candidates, photos_of
from training.embedder.after_training.errors import AugmentationError
from training.embedder.data import read_crop_set


class BoxesOracle:
    """Finds what it is told, whatever the photo."""

    name = "boxes"

    def __init__(self, boxes=((10, 10, 50, 50), (60, 10, 100, 50)), scores=(0.9, 0.8)):
        self._found = np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32)

    def detect(self, photo):
        boxes, scores = self._found
        return OracleDetections(boxes, scores, np.zeros(len(boxes), np.int64))

    def category_id(self, class_index):
        return class_index


@pytest.fixture
def photos(tiny_run, tmp_path):
    """Shop photos: two known goods, cut out as they are, on grey."""
    folder = tmp_path / "photos"
    folder.mkdir()
    goods = tiny_run.parent / "goods" / "train"
    for k in range(2):
        scene = Image.new("RGB", (120, 70), "#777777")
        for place, product in ((10, PRODUCTS[k]), (60, PRODUCTS[k + 2])):
            scene.paste(Image.open(goods / product / f"{k}.png"), (place, 10))
        scene.save(folder / f"scene{k}.png")
    (folder / "known.png").write_bytes((goods / "milk" / "0.png").read_bytes())
    (folder / "broken.jpg").write_bytes(b"no photo")
    return folder


@pytest.fixture(autouse=True)
def oracle(monkeypatch):
    monkeypatch.setattr(
        "training.data.oracle.repository_oracle.RepositoryOracle", lambda repository, min_score: BoxesOracle()
    )


def test_objects_are_given_the_product_of_the_nearest_known_crop_in_a_set_that_can_be_read(
    tiny_run, photos, tmp_path, capsys
):
    out = tmp_path / "more"

    assert main(["augment-products", str(tiny_run), str(photos), "--to", str(out), "--max-distance", "0.0001"]) == 0

    printed = capsys.readouterr().out
    assert "crops added 4, products 4, crops before 24, objects 4, photos 2, photos known already 1" in printed
    assert "1 photo unreadable" in printed
    rows = json.loads((out / "labels.json").read_text())
    weak = [row for row in rows if row["source"] == "weak"]
    assert len(rows) == 28
    assert sorted(row["fine"] for row in weak) == sorted(PRODUCTS)
    for row in weak:
        scene = int(row["photo"][-5])
        assert row["fine"] == PRODUCTS[scene if row["box_xyxy_px"][0] == 10 else scene + 2]
        assert row["distance"] < 1e-4
        assert row["nearest"].endswith(f"{row['fine']}/{scene}.png")
    crops = read_crop_set(str(out), "train")
    assert {crop.product for crop in crops} == set(PRODUCTS)
    assert len(crops) == 28
    assert all(crop.open().size[0] == 40 for crop in crops)
    page = (out / "augmentation.html").read_text()
    assert page.count("data:image/jpeg") >= 4


def test_a_set_is_written_again_but_nothing_else_is_overwritten(tiny_run, photos, tmp_path, capsys):
    out = tmp_path / "more"
    command = ["augment-products", str(tiny_run), str(photos), "--to", str(out), "--max-distance", "0.0001"]
    assert main(command) == 0
    assert main(command) == 0
    assert len(list((out / "crops").iterdir())) == 4

    assert main([*command[:4], str(photos), *command[5:]]) == 1

    assert "exists and is no augmented set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--max-distance", "0"], "above 0 and at most 4"),
        (["--known", "groceries"], "--known must be one of goods"),
        (["--confidence", "2"], "from 0 to 1"),
        (["--min-px", "1000"], "found nothing in 2 photos"),
    ],
)
def test_options_that_leave_nothing_are_one_line(tiny_run, photos, tmp_path, capsys, more, message):
    assert main(["augment-products", str(tiny_run), str(photos), "--to", str(tmp_path / "more"), *more]) == 1

    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_photos_are_files_folders_and_lists(photos, tmp_path):
    (tmp_path / "list.txt").write_text("photos/scene0.png\n\nphotos/absent.png\n")

    assert photos_of([str(tmp_path / "list.txt"), str(photos / "scene1.png"), str(photos / "scene0.png")]) == [
        photos / "scene0.png",
        photos / "absent.png",
        photos / "scene1.png",
    ]
    assert len(photos_of([str(photos)])) == 4
    for nothing in ([str(tmp_path / "nowhere")], []):
        with pytest.raises(AugmentationError):
            photos_of(nothing)


def test_boxes_that_agree_are_one_object_and_a_turned_photo_is_cut_upright(tmp_path):
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:20] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned right: what is on top comes to lie at the right
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    oracle = BoxesOracle([(20, 0, 40, 80), (20, 1, 40, 80), (0, 0, 5, 5)], (0.5, 0.6, 0.9))

    found = find_candidates([tmp_path / "turned.png", tmp_path / "absent.png"], oracle, min_px=10)

    assert [crop.box_xyxy_px for crop in found.crops] == [(20, 1, 40, 80)]
    assert np.asarray(found.crops[0].open()).min() == 255
    assert [problem.kind for problem in found.problems] == ["photo missing"]
