"""The contracts of `visual_search` and `embed`, spelt out a second time."""

import json
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from ensembles.wiring.detect import ENSEMBLE as DETECT
from ensembles.wiring.visual_search import ENSEMBLE as VISUAL_SEARCH

OF_OBJECTS = {
    "object_boxes": ("TYPE_FP32", [16, 4]),
    "object_class_ids": ("TYPE_INT32", [16]),
    "object_scores": ("TYPE_FP32", [16]),
    "num_objects": ("TYPE_INT32", [1]),
    "hashes": ("TYPE_UINT8", [16, 32]),
    "embeddings": ("TYPE_FP32", [16, 400]),
}


def committed(root: Path, name: str) -> ModelConfig:
    return text_format.Parse((root / "model_repository" / name / "config.pbtxt").read_text(), ModelConfig())


def outputs_of(config: ModelConfig) -> dict[str, tuple[str, list[int]]]:
    return {tensor.name: (DataType.Name(tensor.data_type), list(tensor.dims)) for tensor in config.output}


def test_visual_search_gives_what_detect_gives_and_the_objects(repo_root: Path) -> None:
    detect, config = committed(repo_root, "detect"), committed(repo_root, "visual_search")
    assert outputs_of(config) == outputs_of(detect) | OF_OBJECTS
    assert list(config.input) == list(detect.input)
    assert config.max_batch_size == detect.max_batch_size
    assert config.parameters["taxonomy"] == detect.parameters["taxonomy"]


def test_embed_takes_boxes_and_gives_a_row_for_each(repo_root: Path) -> None:
    config = committed(repo_root, "embed")
    inputs = {tensor.name: (DataType.Name(tensor.data_type), list(tensor.dims)) for tensor in config.input}
    assert inputs == {"image": ("TYPE_STRING", [1]), "boxes": ("TYPE_FP32", [-1, 4])}
    heads = json.loads(config.parameters["attributes"].string_value)
    attributes = {
        f"attribute_{head}_{what}": (kind, [-1, min(5, len(labels))])
        for head, labels in heads.items()
        for what, kind in (("ids", "TYPE_INT32"), ("scores", "TYPE_FP32"))
    }
    assert outputs_of(config) == attributes | {
        "hashes": ("TYPE_UINT8", [-1, 32]),
        "embeddings": ("TYPE_FP32", [-1, 400]),
        "image_size": ("TYPE_INT32", [2]),
    }


def test_both_say_which_embedder_made_the_hashes(repo_root: Path) -> None:
    versions = {
        name: committed(repo_root, name).parameters["embedder_version"].string_value
        for name in ("embedder", "visual_search", "embed")
    }
    assert len(set(versions.values())) == 1
    assert all(versions.values())


def test_visual_search_runs_the_very_models_that_detect_runs() -> None:
    pinned = {step.model: step.version for step in VISUAL_SEARCH.steps}
    assert {step.model: step.version for step in DETECT.steps}.items() <= pinned.items()


@pytest.mark.parametrize("name", ["visual_search"])
def test_no_published_tensor_is_read_by_a_step(repo_root: Path, name: str) -> None:
    config = committed(repo_root, name)
    read = {tensor for step in config.ensemble_scheduling.step for tensor in step.input_map.values()}
    assert read.isdisjoint(tensor.name for tensor in config.output)
