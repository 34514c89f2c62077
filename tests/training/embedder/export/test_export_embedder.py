"""A run folder becomes model `embedder`, with what follows from its weights in the configs."""

import json
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tests.conftest import REPO_ROOT
from training.embedder.embedder import Embedder, EmbedderSpec, HeadSpec
from training.embedder.export import embedder_graph
from training.embedder.export import export_embedder as module
from training.embedder.export.calibrated_scores import CalibratedScores
from training.embedder.export.embedder_config import MARK, write_embedder_configs
from training.embedder.export.errors import EmbedderExportError
from training.embedder.hashing.sign_binarisation import SignBinarisation

CROP_PX = 64
LABELS = {"kind": ("apple", 'the "best" pear', "plum"), "colour": tuple(f"colour {k}" for k in range(7))}


@pytest.fixture(scope="module")
def spec():
    heads = tuple(HeadSpec(name=name, kind="softmax", labels=labels) for name, labels in LABELS.items())
    return EmbedderSpec(trunk="mobilenet_v1", trunk_from="scratch", crop_px=CROP_PX, embedding_dims=48, heads=heads)


@pytest.fixture(scope="module")
def embedder(spec):
    torch.manual_seed(0)
    return Embedder.build(spec).eval()


@pytest.fixture(scope="module")
def hasher():
    return SignBinarisation.fixed(48).eval()


@pytest.fixture(scope="module")
def exported(spec, embedder, hasher):
    return module.build_checked_graph(spec, embedder, hasher, {"kind": CalibratedScores([0, 0.5, 1], [0.2, 0.3, 0.9])})


def test_the_graph_says_what_pytorch_says(exported):
    graph, differences = exported
    assert [output.name for output in graph.graph.output] == [
        "hashes",
        "embeddings",
        "attribute_kind_ids",
        "attribute_colour_ids",
        "attribute_kind_scores",
        "attribute_colour_scores",
    ]
    assert differences.keys() == {output.name for output in graph.graph.output}
    assert max(differences.values()) < 1e-4


def test_attributes_are_the_best_labels_calibrated_where_there_is_a_calibration(exported, embedder):
    session = onnxruntime.InferenceSession(exported[0].SerializeToString())
    canvas = np.random.default_rng(1).integers(0, 256, (1, CROP_PX, CROP_PX, 3), dtype=np.uint8)
    answer = dict(
        zip(
            [output.name for output in session.get_outputs()],
            session.run(
                None,
                {
                    "object_canvas": canvas,
                    "canvas_to_image_objects": np.ones((1, 2), np.float32),
                    "image_size": np.full((1, 2), CROP_PX, np.int32),
                    "boxes": np.array([[[0, 0, CROP_PX, CROP_PX]]], np.float32),
                },
            ),
            strict=True,
        )
    )
    with torch.no_grad():
        logits = embedder(torch.from_numpy(canvas).permute(0, 3, 1, 2).float()).logits
    for head, labels in LABELS.items():
        scores = logits[head][0].softmax(dim=0).numpy()
        best = np.argsort(-scores)[: min(5, len(labels))]
        expected = np.interp(scores, [0, 0.5, 1], [0.2, 0.3, 0.9]) if head == "kind" else scores
        np.testing.assert_array_equal(answer[f"attribute_{head}_ids"][0, 0], best)
        np.testing.assert_allclose(answer[f"attribute_{head}_scores"][0, 0], expected[best], atol=1e-5)


def test_the_configs_name_outputs_labels_and_version_below_what_is_written_by_hand(exported, tmp_path):
    folder = tmp_path / "embedder"
    shutil.copytree(REPO_ROOT / "model_repository/embedder", folder, ignore=shutil.ignore_patterns("1"))
    before = (folder / "config.pbtxt").read_text()
    for _ in range(2):  # again makes no difference
        write_embedder_configs(folder, exported[0])
        text = (folder / "config.pbtxt").read_text()
        assert text.partition(MARK)[0] == before.partition(MARK)[0]
        for path in (folder / "config.pbtxt", *(folder / "configs").glob("*.pbtxt")):
            config = text_format.Parse(path.read_text(), ModelConfig())
            assert [output.name for output in config.output] == [o.name for o in exported[0].graph.output]
            dims = {output.name: list(output.dims) for output in config.output}
            assert (dims["hashes"], dims["embeddings"]) == ([-1, 32], [-1, 48])
            assert (dims["attribute_kind_ids"], dims["attribute_colour_scores"]) == ([-1, 3], [-1, 5])
            labels = json.loads(config.parameters["attributes"].string_value)
            assert {head: tuple(names) for head, names in labels.items()} == LABELS


def test_a_model_without_a_config_is_refused(exported, tmp_path):
    with pytest.raises(EmbedderExportError, match=r"config\.pbtxt is missing"):
        write_embedder_configs(tmp_path, exported[0])


def test_the_version_follows_the_weights_of_embedder_and_hasher(spec, embedder, hasher):
    version = module.embedder_version(embedder, hasher)
    assert version == module.embedder_version(embedder, SignBinarisation.fixed(48))
    assert version != module.embedder_version(embedder, SignBinarisation.fixed(48, seed=1))
    torch.manual_seed(1)
    assert version != module.embedder_version(Embedder.build(spec), hasher)


def test_a_graph_that_says_something_else_is_refused(spec, embedder, hasher, monkeypatch):
    build = embedder_graph.build_embedder_graph

    def damaged(*arguments, **options):
        graph = build(*arguments, **options)
        body = next(node for node in graph.graph.node if node.op_type == "Loop").attribute[0].g
        weight = next(tensor for tensor in body.initializer if tensor.name.endswith("embedding.weight"))
        changed = onnx.numpy_helper.to_array(weight) * np.float32(1.5)
        changed[0] = 1
        weight.CopyFrom(onnx.numpy_helper.from_array(changed, weight.name))
        return graph

    monkeypatch.setattr(module, "build_embedder_graph", damaged)
    with pytest.raises(EmbedderExportError, match="differ from PyTorch"):
        module.build_checked_graph(spec, embedder, hasher, {})
