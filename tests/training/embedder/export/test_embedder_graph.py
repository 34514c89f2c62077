"""The graph of an embedder against crops cut by PIL and a network run by PyTorch, one by one."""

import json

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import nn

from training.embedder.data.crop_pixels import crop_pixels
from training.embedder.export.embedder_graph import attributes_json, build_embedder_graph
from training.embedder.hashing.pack_bits import pack_bits

CROP_PX = 32
DIMS = 24
NAMES = ("hashes", "embeddings", "attribute_kind_ids", "attribute_kind_scores")


class TinyServedEmbedder(nn.Module):
    """A crop to the outputs of an embedder, through a strided convolution, pooling and linear layers."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU())
        self.embedding = nn.Linear(32, DIMS)
        self.codes = nn.Linear(DIMS, 16)
        self.head = nn.Linear(32, 7)

    def forward(self, crop):
        pooled = self.body(crop.permute(0, 3, 1, 2) / 255 - 0.5).mean(dim=(2, 3))
        embedding = nn.functional.normalize(self.embedding(pooled), dim=1)
        scores, ids = self.head(pooled).softmax(dim=1).topk(5, dim=1)
        return pack_bits(self.codes(embedding))[0], embedding[0], ids[0].to(torch.int32), scores[0]


class CropItself(nn.Module):
    """Gives the crop's pixels, so that the cutting can be looked at."""

    def forward(self, crop):
        return (crop.reshape(-1),)


@pytest.fixture(scope="module")
def tiny():
    return TinyServedEmbedder().eval()


@pytest.fixture(scope="module")
def graph(tiny):
    return build_embedder_graph(tiny, NAMES, crop_px=CROP_PX, metadata={"attributes": attributes_json({"kind": "abc"})})


def session_of(graph, threads=1):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def session(graph):
    return session_of(graph)


@pytest.fixture(scope="module")
def cutting_session():
    return session_of(build_embedder_graph(CropItself(), ["pixels"], crop_px=CROP_PX, metadata={}))


def picture(width, height, seed=0):
    rng = np.random.default_rng(seed)
    noise = Image.fromarray(rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8))
    return noise.resize((width, height), Image.Resampling.BICUBIC)


def feeds(images, boxes, *, factors=None, canvas_hw=(160, 224)):
    canvas = np.full((len(images), *canvas_hw, 3), (124, 116, 104), np.uint8)
    for row, image in enumerate(images):
        canvas[row, : image.height, : image.width] = np.asarray(image)
    factors = np.ones((len(images), 2), np.float32) if factors is None else np.array(factors, np.float32)
    sizes = np.array([image.size for image in images]) * factors
    return {
        "object_canvas": canvas,
        "canvas_to_image_objects": factors,
        "image_size": sizes.round().astype(np.int32),
        "boxes": np.array(boxes, np.float32),
    }


def run(session, inputs):
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


BOXES = [
    (0, 0, 200, 150),
    (10.4, 20.6, 90.5, 100.49),
    (3, 3, 4, 4),
    (100, 0, 101, 150),
    (55.2, 60.1, 55.3, 60.2),
    (120, 80, 152, 112),
    (-30, -30, 60, 70),
    (150, 100, 900, 900),
]


@pytest.mark.parametrize("box", BOXES, ids=str)
def test_a_crop_is_what_pil_cuts_and_resizes(cutting_session, box):
    image = picture(200, 150)
    crop = run(cutting_session, feeds([image], [[box]]))["pixels"].reshape(CROP_PX, CROP_PX, 3)
    x1, y1 = (max(0, round(side)) for side in box[:2])
    x2, y2 = min(200, round(box[2])), min(150, round(box[3]))
    inside = (x1, y1, max(x2, x1 + 1), max(y2, y1 + 1))
    expected = image.crop(inside).resize((CROP_PX, CROP_PX), Image.Resampling.BILINEAR)
    difference = np.abs(crop - np.asarray(expected, np.float32))
    assert difference.max() <= 1.01  # grey levels of 255: PIL rounds


@pytest.mark.parametrize("box", BOXES[:6], ids=str)
def test_training_cuts_crops_alike(cutting_session, box):
    image = picture(200, 150)
    crop = run(cutting_session, feeds([image], [[box]]))["pixels"].reshape(CROP_PX, CROP_PX, 3)
    x1, y1, x2, y2 = (round(side) for side in box)
    trained_on = crop_pixels(image.crop((x1, y1, max(x2, x1 + 1), max(y2, y1 + 1))), CROP_PX)
    difference = np.abs(crop - trained_on.permute(1, 2, 0).numpy())
    assert difference.max() <= 0.01


def test_boxes_are_in_pixels_of_the_original_whatever_the_canvas_s_scale(cutting_session):
    image = picture(200, 150)
    here = run(cutting_session, feeds([image], [[(20, 30, 120, 90)]]))["pixels"]
    larger = run(cutting_session, feeds([image], [[(50, 60, 300, 180)]], factors=[(2.5, 2)]))["pixels"]
    np.testing.assert_array_equal(here, larger)


def test_no_pixel_beside_the_image_gets_into_a_crop(cutting_session):
    white = Image.new("RGB", (101, 77), "white")
    for factors in ((1.0, 1.0), (3.3, 3.3), (1.7, 2.9)):
        width, height = 101 * factors[0], 77 * factors[1]
        crop = run(cutting_session, feeds([white], [[(0, 0, width, height)]], factors=[factors]))["pixels"]
        np.testing.assert_allclose(crop, 255, atol=1e-3)


def test_answers_are_those_of_pytorch_on_the_same_crops(session, cutting_session, tiny):
    inputs = feeds([picture(200, 150), picture(120, 160, seed=1)], [BOXES, BOXES[::-1]])
    answer = run(session, inputs)
    crops = run(cutting_session, inputs)["pixels"].reshape(2, len(BOXES), CROP_PX, CROP_PX, 3)
    for image in range(2):
        for row in range(len(BOXES)):
            if not answer["embeddings"][image, row].any():
                continue
            with torch.no_grad():
                expected = tiny(torch.from_numpy(crops[image, row][None]))
            np.testing.assert_array_equal(answer["hashes"][image, row], expected[0].numpy())
            np.testing.assert_allclose(answer["embeddings"][image, row], expected[1].numpy(), atol=1e-5)
            np.testing.assert_array_equal(answer["attribute_kind_ids"][image, row], expected[2].numpy())
            np.testing.assert_allclose(answer["attribute_kind_scores"][image, row], expected[3].numpy(), atol=1e-5)


def test_a_crop_s_answer_is_the_same_to_the_bit_alone_among_others_and_in_any_order(session, graph):
    images = [picture(200, 150), picture(120, 160, seed=1)]
    rng = np.random.default_rng(3)
    starts = rng.uniform(0, 80, (2, 20, 2))
    boxes = np.concatenate([starts, starts + rng.uniform(2, 60, (2, 20, 2))], axis=2).astype(np.float32)
    inputs = feeds(images, boxes)
    together = run(session, inputs)
    order = rng.permutation(20)
    shuffled = run(session, {**inputs, "boxes": boxes[:, order]})
    in_two_threads = run(session_of(graph, threads=2), inputs)
    for name, values in together.items():
        np.testing.assert_array_equal(values[:, order], shuffled[name])
        np.testing.assert_array_equal(values, in_two_threads[name])
    for image in range(2):
        for row in range(20):
            alone = run(session, feeds([images[image]], boxes[image : image + 1, row : row + 1]))
            for name, values in together.items():
                np.testing.assert_array_equal(values[image, row], alone[name][0, 0])


@pytest.mark.parametrize(
    "row",
    [
        (0, 0, 0, 0),
        (5, 5, 5, 50),
        (50, 5, 10, 20),
        (np.nan, 0, 10, 10),
        (0, np.nan, 10, 10),
        (0, 0, np.inf, 10),
        (-np.inf, 0, 10, 10),
        (-20, -20, 0, 0),
        (200, 0, 220, 50),
        (0, 150, 50, 160),
    ],
    ids=str,
)
def test_a_row_that_is_no_box_is_zeros_and_leaves_its_neighbours_alone(session, row):
    image = picture(200, 150)
    alone = run(session, feeds([image], [[BOXES[1]]]))
    answer = run(session, feeds([image], [[row, BOXES[1], row]]))
    for name, values in answer.items():
        assert not values[0, [0, 2]].any()
        np.testing.assert_array_equal(values[0, 1], alone[name][0, 0])


@pytest.mark.parametrize("rows", [0, 1, 16])
def test_no_box_at_all_is_zeros_for_every_row(session, rows):
    image = picture(200, 150)
    answer = run(session, feeds([image, image], np.zeros((2, rows, 4), np.float32)))
    assert {name: values.shape for name, values in answer.items()} == {
        "hashes": (2, rows, 2),
        "embeddings": (2, rows, DIMS),
        "attribute_kind_ids": (2, rows, 5),
        "attribute_kind_scores": (2, rows, 5),
    }
    assert not any(values.any() for values in answer.values())


def test_rows_without_a_box_do_not_run_the_network(graph):
    loop = next(node for node in graph.graph.node if node.op_type == "Loop")
    convolutions = [node for node in graph.graph.node if node.op_type == "Conv"]
    assert convolutions == []  # all of them are inside of it
    assert loop.input[0] == "num_boxes"


def test_the_graph_names_its_labels(graph):
    metadata = {entry.key: entry.value for entry in graph.metadata_props}
    assert json.loads(metadata["attributes"]) == {"kind": ["a", "b", "c"]}
