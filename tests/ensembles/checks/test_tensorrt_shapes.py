from pathlib import Path

import pytest

from tests.ensembles.conftest import FindBroken

_TARGET = """
name: "backbone"
platform: "tensorrt_plan"
max_batch_size: 8
input [ { name: "pixels" data_type: TYPE_UINT8 dims: [ -1, -1, 3 ] } ]
output [ { name: "p3" data_type: TYPE_FP32 dims: [ 3, -1, -1 ] } ]
instance_group [ { kind: KIND_GPU count: 1 profile: [ "0", "1" ] } ]
dynamic_batching { preferred_batch_size: [ 4 ] }
optimization { cuda { graphs: true graph_spec [ SPECS ] } }
model_warmup [ WARMUPS ]
"""

_CANVASES = ("8, 16, 3", "16, 8, 3")


def target_config(*, graph_batches: tuple[int, ...] = (1, 4, 8), canvases: tuple[str, ...] = _CANVASES) -> str:
    specs = [
        f'{{ batch_size: {batch} input {{ key: "pixels" value: {{ dim: [ {canvas} ] }} }} }}'
        for canvas in canvases
        for batch in graph_batches
    ]
    warmups = [
        f'{{ name: "w" batch_size: {batch} inputs {{ key: "pixels" value: {{ data_type: TYPE_UINT8 dims: [ {canvas} ]'
        " zero_data: true } } }"
        for canvas in _CANVASES
        for batch in (1, 8)
    ]
    return _TARGET.replace("SPECS", ", ".join(specs)).replace("WARMUPS", ", ".join(warmups))


def write_target(toy: Path, text: str) -> None:
    path = toy / "backbone" / "configs" / "tensorrt.pbtxt"
    path.parent.mkdir()
    path.write_text(text)


def test_an_engine_whose_shapes_agree_is_well(toy: Path, broken: FindBroken) -> None:
    write_target(toy, target_config())
    assert broken() == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('profile: [ "0", "1" ]', "", "tensorrt-profiles"),
        ('profile: [ "0", "1" ]', 'profile: [ "0" ]', "tensorrt-profiles"),
        ("preferred_batch_size: [ 4 ]", "preferred_batch_size: [ 4, 6 ]", "cuda-graph-missing"),
        ("max_batch_size: 8", "max_batch_size: 4", "target-batch-differs"),
        ("dims: [ 3, -1, -1 ]", "dims: [ 3, -1, 4 ]", "target-tensor-differs"),
        ('name: "p3"', 'name: "p4"', "onnx-name-mismatch"),
        ("TYPE_UINT8 dims: [ -1", "TYPE_INT8 dims: [ -1", "onnx-type-mismatch"),
    ],
)
def test_one_that_does_not_is_refused(toy: Path, broken: FindBroken, old: str, new: str, rule: str) -> None:
    text = target_config()
    assert old in text
    write_target(toy, text.replace(old, new))
    problems = [problem for problem in broken() if problem.rule == rule]
    assert problems
    assert all(problem.file.name == "tensorrt.pbtxt" for problem in problems)


def test_a_canvas_without_its_largest_warmup_is_refused(toy: Path, broken: FindBroken) -> None:
    head, _, tail = target_config().rpartition("batch_size: 8")
    write_target(toy, head + "batch_size: 7" + tail)
    (problem,) = broken()
    assert (problem.rule, problem.received) == ("tensorrt-warmups", "for batch 1, 7")


def test_a_graph_of_sizes_that_nobody_sends_is_refused(toy: Path, broken: FindBroken) -> None:
    write_target(toy, target_config(canvases=("8, 16, 3", "16, 9, 3")))
    assert {problem.rule for problem in broken()} == {"cuda-graph-missing", "cuda-graph-unused"}


def test_without_cuda_graphs_no_specs_are_needed(toy: Path, broken: FindBroken) -> None:
    write_target(toy, target_config(graph_batches=()).replace("graphs: true graph_spec [  ]", "graphs: false"))
    assert broken() == []
