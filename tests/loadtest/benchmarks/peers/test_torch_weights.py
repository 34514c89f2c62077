"""The eager PyTorch of the peers says what the served graphs say."""

import numpy as np
import onnxruntime
import pytest
import torch

from loadtest.benchmarks.peers.servers.onnx_pipeline import CANDIDATES, FEATURES, HEADS, OnnxPipeline
from loadtest.benchmarks.peers.servers.torch_pipeline import TorchPipeline, load_backbone, load_head
from tests.conftest import REPO_ROOT
from tests.painted_photos import painted_jpegs

REPOSITORY = REPO_ROOT / "model_repository"


def run_graph(model, outputs, feeds):
    path = str(REPOSITORY / model / "1/model.onnx")
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(list(outputs), feeds)


@pytest.fixture(scope="module")
def features():
    pixels = np.random.default_rng(0).integers(0, 256, (1, 416, 672, 3), dtype=np.uint8)
    return pixels, run_graph("backbone", FEATURES, {"pixels": pixels})


def test_the_backbone_has_the_weights_of_its_graph(features):
    pixels, expected = features
    with torch.inference_mode():
        received = load_backbone(REPOSITORY / "backbone/1/model.onnx")(torch.from_numpy(pixels))
    for ours, theirs in zip(received, expected, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-4)


@pytest.mark.parametrize("head", HEADS)
def test_a_head_has_the_weights_and_classes_of_its_graph(head, features):
    _, maps = features
    expected = dict(zip(CANDIDATES, run_graph(head, CANDIDATES, dict(zip(FEATURES, maps, strict=True))), strict=True))
    with torch.inference_mode():
        received = load_head(REPOSITORY / head / "1/model.onnx")(*(torch.from_numpy(level) for level in maps))
    np.testing.assert_allclose(received.scores.numpy(), expected["scores"], atol=1e-5)
    assert set(np.unique(received.class_ids.numpy())) <= set(np.unique(expected["class_ids"])) | set(
        np.unique(received.class_ids.numpy()[received.scores.numpy() <= expected["scores"].min() + 1e-5])
    )


def test_both_pipelines_detect_the_same_in_a_photo():
    photo = painted_jpegs()[0]
    onnx, eager = OnnxPipeline(REPOSITORY, threads=1)(photo), TorchPipeline(REPOSITORY)(photo)
    assert onnx["image_size"] == eager["image_size"] == [640, 480]
    assert eager["num_detections"] == onnx["num_detections"]
    np.testing.assert_allclose(eager["scores"], onnx["scores"], atol=1e-3)


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(RuntimeError, match="Missing key"):
        load_backbone(REPOSITORY / "head_generic/1/model.onnx")
