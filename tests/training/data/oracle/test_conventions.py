"""Each teacher is told by its tensors, fed as its makers say, and read to the same numbers; graphs of one's own too."""

import json
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from training.__main__ import main
from training.data.errors import OracleError
from training.data.oracle.conventions import BoxesScoresLabels, GraphTensor, NanoDet, Yolox, convention_of
from training.data.oracle.onnx_oracle import OnnxOracle


def test_nanodet_s_cells_are_read_as_a_loop_would():
    rng = np.random.default_rng(0)
    side = 64
    cells = [(8, y, x) for y in range(8) for x in range(8)] + [(16, y, x) for y in range(4) for x in range(4)]
    cells += [(32, y, x) for y in range(2) for x in range(2)] + [(64, 0, 0)]
    scores = rng.uniform(0, 0.009, (1, len(cells), 3)).astype(np.float32)
    chosen = [(5, 1), (70, 2), (84, 0)]
    for cell, class_index in chosen:
        scores[0, cell, class_index] = 0.5 + cell / 1000
    distances = rng.normal(size=(1, len(cells), 32)).astype(np.float32)
    boxes, found, classes = NanoDet("data", side).decode({"cls": scores, "dis": distances}, (128, 32))
    assert list(zip(classes.tolist(), found.tolist(), strict=True)) == [
        (c, pytest.approx(0.5 + k / 1000)) for k, c in chosen
    ]
    for box, (cell, _) in zip(boxes, chosen, strict=True):
        stride, row, column = cells[cell]
        sides = []
        for bins in distances[0, cell].reshape(4, 8):
            weights = [np.exp(v) for v in bins]
            sides.append(stride * sum(k * w for k, w in enumerate(weights)) / sum(weights))
        x, y = column * stride, row * stride
        expected = [(x - sides[0]) * 2, (y - sides[1]) / 2, (x + sides[2]) * 2, (y + sides[3]) / 2]
        assert box.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-3)


def test_yolox_s_cells_are_read_as_a_loop_would():
    side, size = 32, (64, 48)
    cells = [(8, y, x) for y in range(4) for x in range(4)] + [(16, y, x) for y in range(2) for x in range(2)]
    cells.append((32, 0, 0))
    rows = np.zeros((1, len(cells), 7), np.float32)
    rows[0, 6] = [0.3, 0.6, 0.1, -0.2, 0.9, 0.0, 0.8]
    boxes, scores, classes = Yolox("images", side, "output").decode({"output": rows}, size)
    stride, row, column = cells[6]
    center = ((column + 0.3) * stride * 2, (row + 0.6) * stride * 2)
    half = (np.exp(0.1) * stride, np.exp(-0.2) * stride)
    expected = [center[0] - half[0], center[1] - half[1], center[0] + half[0], center[1] + half[1]]
    assert boxes[0].tolist() == pytest.approx(expected, rel=1e-5)
    assert (scores.tolist(), classes.tolist()) == ([pytest.approx(0.72)], [1])


def test_a_graph_of_another_kind_is_refused_with_what_there_is():
    image = GraphTensor("x", (1, 3, 8, 8), "tensor(float)")
    with pytest.raises(OracleError, match="inputs x and the outputs logits is no detector"):
        convention_of([image], [GraphTensor("logits", (1, 1000), "tensor(float)")])


def detector_graph(path, *, image_shape=("N", 3, "H", "W"), element=TensorProto.FLOAT):
    """A detector that always sees class 1 in one place and class 0, unsure, in another."""
    constants: dict[str, np.ndarray[Any, Any]] = {
        "boxes": np.array([[10, 5, 30, 25], [40, 30, 60, 50]], np.float32),
        "scores": np.array([0.9, 0.4], np.float32),
        "labels": np.array([1, 0], np.int64),
    }
    nodes = [
        helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(value))
        for name, value in constants.items()
    ]
    kinds = {"labels": TensorProto.INT64}
    outputs = [
        helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), value.shape)
        for name, value in constants.items()
    ]
    image = helper.make_tensor_value_info("pixels", element, image_shape)
    graph = helper.make_graph(nodes, "detector", [image], outputs)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize(
    ("options", "shape", "dtype"),
    [
        ({}, (1, 3, 60, 80), np.float32),
        ({"image_shape": (3, "H", "W")}, (3, 60, 80), np.float32),
        ({"image_shape": (1, 3, 32, 64)}, (1, 3, 32, 64), np.float32),
        ({"image_shape": (1, "H", "W", 3), "element": TensorProto.UINT8}, (1, 60, 80, 3), np.uint8),
    ],
)
def test_a_graph_that_ends_in_boxes_scores_labels_is_fed_as_it_wants(tmp_path, options, shape, dtype):
    oracle = OnnxOracle(detector_graph(tmp_path / "own.onnx", **options), [7, 8], min_score=0.5)
    photo = Image.fromarray(np.full((60, 80, 3), 255, np.uint8))
    assert isinstance(oracle._convention, BoxesScoresLabels)
    (value,) = oracle._convention.feeds(photo).values()
    assert (value.shape, value.dtype) == (shape, dtype)
    assert value.max() == (255 if dtype is np.uint8 else 1.0)
    found = oracle.detect(photo)
    scale = (80 / 64, 60 / 32) if shape[-2:] == (32, 64) else (1, 1)
    assert found.boxes.tolist() == [[10 * scale[0], 5 * scale[1], 30 * scale[0], 25 * scale[1]]]
    assert [oracle.category_id(k) for k in found.classes.tolist()] == [8]


def test_a_class_without_a_name_is_an_error_that_says_how_to_name_it(tmp_path):
    oracle = OnnxOracle(detector_graph(tmp_path / "own.onnx"), [7], min_score=0.5)
    with pytest.raises(OracleError, match="class 1, and there are names for 1: name its labels with --labels"):
        oracle.category_id(1)


def test_what_is_no_onnx_file_is_refused(tmp_path):
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(OracleError, match="cannot be loaded"):
        OnnxOracle(tmp_path / "text.onnx", [1], min_score=0.5)


TEACHERS = {
    "nanodet_plus_m15_416": 0.50,
    "nanodet_plus_m_416": 0.45,
    "yolox_nano_416": 0.40,
    "deimv2_femto_416": 0.45,
    "deimv2_atto_320": 0.35,
}


@pytest.mark.parametrize("teacher", TEACHERS)
def test_a_teacher_finds_what_people_labelled_in_coco(genod_data, teacher):
    """Half of what it is sure of must be right, and it must be sure of something: wrong feeding ruins both."""
    from training.data.coco_photos import CocoPhotos

    photos = CocoPhotos(genod_data / "detection" / "coco_mini", "val")
    (graph,) = (genod_data / "teachers" / teacher).glob("*.onnx")
    ids = sorted(photos.category_ids.values())
    oracle = OnnxOracle(graph, ids, min_score=0.5)
    names: dict[int | None, str] = {category_id: name for name, category_id in photos.category_ids.items()}
    right = wrong = total = 0
    for photo in photos.photos[:12]:
        found = oracle.detect(photo.open())
        total += len(photo.labels)
        for box, class_index in zip(found.boxes, found.classes.tolist(), strict=True):
            same = [k for k, label in enumerate(photo.labels) if label == names[oracle.category_id(class_index)]]
            is_right = any(iou(box, photo.boxes[k].numpy()) >= 0.5 for k in same)
            right, wrong = right + is_right, wrong + (not is_right)
    assert right / (right + wrong) > 0.6
    assert right / total > 0.1


def iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0, width) * max(0, height)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def test_the_command_writes_beside_and_never_over(tmp_path, capsys, monkeypatch):
    from tests.training.data.photos_on_disk import coco_folder

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.engine.training_data.REPOSITORY_ROOT", tmp_path)
    # Of the two things that the detector sees, people have boxed one in the first photo, under another name.
    folder = coco_folder(tmp_path / "coco_mini", [[("cat", [10, 5, 20, 20])], []])
    before = (folder / "annotations.json").read_bytes()
    graph = detector_graph(tmp_path / "own.onnx")
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    command = ["complete-labels", "./coco_mini", "--oracle", str(graph), "--labels", str(tmp_path / "names.txt")]
    assert main(command) == 0
    assert (folder / "annotations.json").read_bytes() == before
    written = json.loads((folder / "annotations.own.json").read_text())
    assert [a["score"] for a in written["annotations"] if a.get("source") == "oracle"] == [0.9]
    assert "1 boxes added to 1 of people in 2 photos, 1 left out" in capsys.readouterr().out
    assert main([*command, "--output", str(folder / "annotations.json")]) == 1
    assert "was not made by an oracle" in capsys.readouterr().err
    assert (folder / "annotations.json").read_bytes() == before
    assert main(command) == 0  # its own file it may write again
    assert main([*command[:-1], "lvis"]) == 1  # its mapping lists labels without a category apart
    assert "its order is not that of the classes" in capsys.readouterr().err
    assert main([*command[:2], "--oracle", "nothing"]) == 1
    assert "no such ONNX file" in capsys.readouterr().err
