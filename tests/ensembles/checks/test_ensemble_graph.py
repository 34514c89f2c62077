from pathlib import Path

import pytest
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tests.ensembles.conftest import FindBroken
from tests.ensembles.toy_repository import edit, rewire, step


def test_good_toy_has_no_problem(broken: FindBroken) -> None:
    assert broken() == []


def test_tensor_written_twice_is_refused(toy: Path, broken: FindBroken) -> None:
    def let_both_heads_write_one_tensor(config: ModelConfig) -> None:
        step(config, "head_b").output_map["scores"] = "head_a_scores"
        step(config, "label_propagation").input_map["head_b_scores"] = "head_a_scores"

    rewire(toy, let_both_heads_write_one_tensor)
    (problem,) = broken()
    assert (problem.rule, problem.tensor) == ("tensor-written-twice", "head_a_scores")
    assert problem.received == "head_a.scores of step 2 and head_b.scores of step 3"


def test_step_that_writes_an_ensemble_input_is_refused(toy: Path, broken: FindBroken) -> None:
    rewire(toy, lambda config: config.input.add(name="p3", data_type="TYPE_FP32", dims=[3, -1, -1]))
    (problem,) = broken()
    assert problem.rule == "tensor-written-twice"
    assert "the ensemble's own input" in problem.received


def test_unused_ensemble_input_is_refused(toy: Path, broken: FindBroken) -> None:
    rewire(toy, lambda config: config.input.add(name="hint", data_type="TYPE_FP32", dims=[1]))
    (problem,) = broken()
    assert (problem.rule, problem.tensor) == ("ensemble-input-unused", "hint")


def test_unwritten_ensemble_output_is_refused(toy: Path, broken: FindBroken) -> None:
    rewire(toy, lambda config: config.output.add(name="boxes", data_type="TYPE_FP32", dims=[1]))
    (problem,) = broken()
    assert (problem.rule, problem.tensor) == ("ensemble-output-unwritten", "boxes")
    assert "head_a_scores" in problem.expected, "lists what could be published"


def test_unused_intermediate_is_refused(toy: Path, broken: FindBroken) -> None:
    rewire(toy, lambda config: step(config, "backbone").output_map.update(p4="p4"))
    edit(toy, "backbone", "output [", 'output [ { name: "p4" data_type: TYPE_FP32 dims: [ 3, -1, -1 ] },')
    problems = {problem.rule: problem for problem in broken()}
    assert problems.keys() == {"intermediate-unused", "onnx-name-mismatch"}
    assert problems["intermediate-unused"].tensor == "p4"


def test_tensor_that_nobody_writes_is_refused(toy: Path, broken: FindBroken) -> None:
    rewire(toy, lambda config: step(config, "head_a").input_map.update(p3="p9"))
    (problem,) = broken()
    assert (problem.rule, problem.tensor) == ("step-input-unwritten", "p9")
    assert "head_a.p3 of step 2" in problem.received


def test_cycle_of_steps_is_refused(toy: Path, broken: FindBroken) -> None:
    def feed_the_backbone_from_a_head(config: ModelConfig) -> None:
        step(config, "backbone").input_map["pixels"] = "head_a_scores"

    rewire(toy, feed_the_backbone_from_a_head)
    (problem,) = [problem for problem in broken() if problem.rule == "step-cycle"]
    assert "step 1 (backbone)" in problem.received
    assert "step 2 (head_a)" in problem.received


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("instance_group", "instance_group [ { kind: KIND_CPU count: 1 } ]"),
        ("optimization", "optimization { priority: PRIORITY_MAX }"),
        ("model_warmup", 'model_warmup [ { name: "w" batch_size: 1 } ]'),
    ],
)
def test_field_of_real_models_is_refused_on_an_ensemble(toy: Path, broken: FindBroken, field: str, text: str) -> None:
    edit(toy, "toy", "ensemble_scheduling {", f"{text}\nensemble_scheduling {{")
    (problem,) = broken()
    assert (problem.rule, problem.received) == ("ensemble-field-forbidden", field)


@pytest.mark.parametrize("platform", ["", 'platform: "onnxruntime_onnx"', 'backend: "python"'])
def test_ensemble_of_another_platform_is_refused(toy: Path, broken: FindBroken, platform: str) -> None:
    edit(toy, "toy", 'platform: "ensemble"', platform)
    assert [problem.rule for problem in broken()] == ["ensemble-platform"]


def test_ensemble_without_steps_is_refused(toy: Path, broken: FindBroken) -> None:
    rewire(toy, lambda config: config.ensemble_scheduling.ClearField("step"))
    assert "steps-empty" in {problem.rule for problem in broken()}


def test_step_that_maps_nothing_is_refused(toy: Path, broken: FindBroken) -> None:
    rewire(toy, lambda config: config.ensemble_scheduling.step.add(model_name="head_a", model_version=1))
    incomplete = [problem.expected for problem in broken() if problem.rule == "step-incomplete"]
    assert incomplete == ["input_map in step 5 (head_a)", "output_map in step 5 (head_a)"]


def test_every_problem_is_listed_not_only_the_first(toy: Path, broken: FindBroken) -> None:
    def break_three_points(config: ModelConfig) -> None:
        config.input.add(name="hint", data_type="TYPE_FP32", dims=[1])
        config.instance_group.add(count=1)
        config.max_batch_size = 9

    rewire(toy, break_three_points)
    edit(toy, "head_a", "TYPE_FP32 dims: [ 3 ]", "TYPE_FP16 dims: [ 3 ]")
    rules = [problem.rule for problem in broken()]
    assert rules.count("batch-too-large") == 4, "preprocess, backbone and both heads"
    assert {"ensemble-input-unused", "ensemble-field-forbidden", "type-mismatch", "onnx-type-mismatch"} <= {*rules}
