from pathlib import Path

import pytest
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from ensembles.checks import find_problems
from ensembles.memory_pools import MemoryPools
from tests.ensembles.conftest import FindBroken
from tests.ensembles.toy_repository import TOY, edit, rewire, step


def test_unknown_model_is_refused_and_the_known_ones_are_listed(toy: Path, broken: FindBroken) -> None:
    rewire(toy, lambda config: setattr(step(config, "backbone"), "model_name", "backbon"))
    (problem,) = broken()
    assert (problem.rule, problem.received) == ("model-unknown", "backbon")
    assert "backbone, head_a" in problem.expected


def test_input_that_is_not_mapped_is_refused(toy: Path, broken: FindBroken) -> None:
    rewire(toy, lambda config: step(config, "label_propagation").input_map.pop("image_size"))
    (problem,) = broken()
    assert (problem.rule, problem.tensor) == ("step-input-unmapped", "image_size")


def test_optional_input_may_stay_unmapped(toy: Path, broken: FindBroken) -> None:
    rewire(toy, lambda config: step(config, "label_propagation").input_map.pop("image_size"))
    edit(toy, "label_propagation", 'name: "image_size"', 'optional: true name: "image_size"')
    assert broken() == []


def test_input_name_the_model_does_not_have_is_refused(toy: Path, broken: FindBroken) -> None:
    def misspell(config: ModelConfig) -> None:
        step(config, "backbone").input_map["pixel"] = step(config, "backbone").input_map.pop("pixels")

    rewire(toy, misspell)
    assert [problem.rule for problem in broken()] == ["step-input-unknown", "step-input-unmapped"]


def test_output_name_the_model_does_not_have_is_refused(toy: Path, broken: FindBroken) -> None:
    def misspell(config: ModelConfig) -> None:
        step(config, "backbone").output_map["P3"] = step(config, "backbone").output_map.pop("p3")

    rewire(toy, misspell)
    (problem,) = broken()
    assert (problem.rule, problem.tensor) == ("step-output-unknown", "p3")


def test_input_mapped_twice_is_refused(toy: Path, broken: FindBroken) -> None:
    edit(
        toy,
        "toy",
        'input_map {\n      key: "image"',
        'input_map { key: "image" value: "other" }\n    input_map {\n      key: "image"',
    )
    (problem,) = broken()
    assert (problem.rule, problem.tensor, problem.received) == ("map-key-twice", "image", "'image' 2 times")


def test_types_that_differ_are_refused(toy: Path, broken: FindBroken) -> None:
    edit(toy, "preprocess", "TYPE_UINT8", "TYPE_INT8")
    (problem,) = broken()
    assert (problem.rule, problem.tensor) == ("type-mismatch", "pixels")
    assert problem.expected == "INT8 [-1,-1,3] per batch row, as preprocess.pixels of step 0 has it"
    assert problem.received == "UINT8 [-1,-1,3] per batch row at backbone.pixels of step 1"


@pytest.mark.parametrize("dims", ["[ -1, -1, 4 ]", "[ -1, -1 ]", "[ 2, -1, -1, 3 ]"])
def test_shapes_that_cannot_be_equal_are_refused(toy: Path, broken: FindBroken, dims: str) -> None:
    edit(toy, "preprocess", "[ -1, -1, 3 ]", dims)
    assert [problem.rule for problem in broken()] == ["shape-mismatch"]


def test_variable_size_agrees_with_any(toy: Path, broken: FindBroken) -> None:
    edit(toy, "preprocess", "[ -1, -1, 3 ]", "[ 8, -1, -1 ]")
    assert broken() == []


def test_published_type_that_differs_from_the_writer_is_refused(toy: Path, broken: FindBroken) -> None:
    rewire(toy, lambda config: setattr(config.output[1], "data_type", DataType.TYPE_INT64))
    (problem,) = broken()
    assert (problem.rule, problem.tensor) == ("type-mismatch", "class_ids")
    assert "the ensemble's own output" in problem.received


def test_batch_larger_than_a_composing_models_is_refused(toy: Path, broken: FindBroken) -> None:
    edit(toy, "label_propagation", "max_batch_size: 16", "max_batch_size: 4")
    (problem,) = broken()
    assert problem.rule == "batch-too-large"
    assert "label_propagation" in problem.expected


def test_unpinned_version_is_refused(toy: Path, broken: FindBroken) -> None:
    rewire(toy, lambda config: setattr(step(config, "backbone"), "model_version", -1))
    assert [problem.rule for problem in broken()] == ["version-unpinned"]


def test_pinned_version_that_does_not_exist_is_refused(toy: Path, broken: FindBroken) -> None:
    rewire(toy, lambda config: setattr(step(config, "backbone"), "model_version", 3))
    (problem,) = broken()
    assert problem.rule == "version-missing"
    assert problem.advice.endswith("backbone/3, or pin another version")


def test_pinned_version_that_the_policy_does_not_serve_is_refused(toy: Path, broken: FindBroken) -> None:
    (toy / "preprocess" / "2").mkdir()
    (toy / "preprocess" / "2" / "model.py").touch()
    (problem,) = broken()
    assert problem.rule == "version-not-served", "by default Triton serves only the newest version"
    edit(toy, "preprocess", "max_batch_size", "version_policy { all { } }\nmax_batch_size")
    assert broken() == []
    edit(toy, "preprocess", "all { }", "specific { versions: [ 1 ] }")
    assert broken() == []


def test_model_without_batching_may_take_the_batch_as_a_dimension(toy: Path, broken: FindBroken) -> None:
    edit(toy, "label_propagation", "max_batch_size: 16", "max_batch_size: 0")
    config = toy / "label_propagation" / "config.pbtxt"
    config.write_text(config.read_text().replace("dims: [ ", "dims: [ -1, "))
    assert broken() == []


def test_ensemble_that_contains_itself_is_refused(toy: Path) -> None:
    (toy / "inner" / "1").mkdir(parents=True)
    text = (toy / "toy" / "config.pbtxt").read_text().replace('name: "toy"', 'name: "inner"')
    (toy / "inner" / "config.pbtxt").write_text(text.replace('model_name: "preprocess"', 'model_name: "toy"'))
    edit(toy, "toy", 'model_name: "preprocess"', 'model_name: "inner"')
    rules = [problem.rule for problem in find_problems(toy, [TOY], MemoryPools())]
    assert rules.count("ensemble-cycle") == 1
