"""The public contract, spelt out a second time: a change here needs a new ensemble name."""

import json
import shutil
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from ensembles.render_command import render_all
from ensembles.wiring.detect import ENSEMBLE, HEADS
from tests.conftest import REPO_ROOT

_CONTRACT = {
    "boxes": ("TYPE_FP32", [300, 4]),
    "scores": ("TYPE_FP32", [300]),
    "class_ids": ("TYPE_INT32", [300]),
    "is_propagated": ("TYPE_BOOL", [300]),
    "num_detections": ("TYPE_INT32", [1]),
    "image_size": ("TYPE_INT32", [2]),
}
_TAXONOMY = [{"id": 1, "name": "person", "parents": [2]}, {"id": 2, "name": "animal", "parents": []}]


@pytest.fixture(scope="module")
def detect(tmp_path_factory: pytest.TempPathFactory, repo_root: Path) -> ModelConfig:
    """`detect`, rendered from the committed configs beside a small taxonomy: no weights needed."""
    root = tmp_path_factory.mktemp("model_repository")
    for step in ENSEMBLE.steps:
        (root / step.model / str(step.version)).mkdir(parents=True)
        shutil.copy(repo_root / "model_repository" / step.model / "config.pbtxt", root / step.model)
    version = {step.model: step.version for step in ENSEMBLE.steps}["label_propagation"]
    (root / "label_propagation" / str(version) / "taxonomy.json").write_text(json.dumps(_TAXONOMY))
    render_all(root, [ENSEMBLE])
    return text_format.Parse((root / "detect" / "config.pbtxt").read_text(), ModelConfig())


def test_takes_encoded_images_in_batches_of_16(detect: ModelConfig) -> None:
    (image,) = detect.input
    assert (image.name, DataType.Name(image.data_type), list(image.dims)) == ("image", "TYPE_STRING", [1])
    assert detect.max_batch_size == 16


def test_gives_the_published_tensors_in_their_order(detect: ModelConfig) -> None:
    given = {tensor.name: (DataType.Name(tensor.data_type), list(tensor.dims)) for tensor in detect.output}
    assert given == _CONTRACT
    assert list(given) == list(_CONTRACT)


def test_publishes_the_taxonomy(detect: ModelConfig) -> None:
    assert json.loads(detect.parameters["taxonomy"].string_value) == _TAXONOMY


def test_image_size_comes_from_preprocess(detect: ModelConfig) -> None:
    writers = [step.model_name for step in detect.ensemble_scheduling.step if "image_size" in step.output_map.values()]
    assert writers == ["preprocess"]


def test_every_step_is_pinned_to_the_version_in_served_models_json(detect: ModelConfig) -> None:
    served = json.loads((REPO_ROOT / "ensembles/wiring/served_models.json").read_text())
    pinned = {step.model_name: step.model_version for step in detect.ensemble_scheduling.step}
    of_others = {"object_selection", "embedder"}
    shared = {model: version for model, version in served["shared"].items() if model not in of_others}
    assert pinned == {**shared, **served["heads"]}


@pytest.mark.parametrize("head", HEADS)
def test_each_heads_tensors_carry_its_name(detect: ModelConfig, head: str) -> None:
    (step,) = [step for step in detect.ensemble_scheduling.step if step.model_name == head]
    assert dict(step.input_map) == {level: level for level in ("p3", "p4", "p5", "p6", "p7")}
    assert dict(step.output_map) == {
        tensor: f"{head}_{tensor}" for tensor in ("locations", "distances", "scores", "class_ids")
    }
