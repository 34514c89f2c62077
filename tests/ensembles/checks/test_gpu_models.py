from pathlib import Path

from ensembles.checks import find_problems
from ensembles.memory_pools import MemoryPools
from ensembles.problem import Problem
from tests.ensembles.conftest import FindBroken
from tests.ensembles.toy_repository import TOY, edit


def _put_on_gpu(root: Path, model: str) -> None:
    edit(root, model, "kind: KIND_CPU", "kind: KIND_GPU")


def test_complete_gpu_model_is_well(toy: Path, broken: FindBroken) -> None:
    _put_on_gpu(toy, "backbone")
    assert broken() == []


def test_gpu_model_without_dynamic_batching_is_refused(toy: Path, broken: FindBroken) -> None:
    _put_on_gpu(toy, "head_a")
    edit(toy, "head_a", "dynamic_batching { }", "")
    (problem,) = broken()
    assert (problem.rule, problem.model) == ("gpu-without-batching", "head_a")


def test_gpu_model_that_runs_every_request_alone_is_refused(toy: Path, broken: FindBroken) -> None:
    _put_on_gpu(toy, "head_a")
    edit(toy, "head_a", "dynamic_batching { }", "dynamic_batching { preferred_batch_size: [ 1 ] }")
    (problem,) = broken()
    assert (problem.rule, problem.model) == ("gpu-without-batching", "head_a")
    assert problem.received == "preferred_batch_size: [1], with which every request runs alone"
    edit(toy, "head_a", "[ 1 ]", "[ 1, 8 ]")
    assert broken() == []


def test_gpu_model_without_warmup_of_its_largest_batch_is_refused(toy: Path, broken: FindBroken) -> None:
    _put_on_gpu(toy, "head_a")
    edit(toy, "head_a", '"max" batch_size: 8', '"max" batch_size: 7')
    (problem,) = broken()
    assert problem.rule == "gpu-without-warmup"
    assert problem.expected.startswith("warm-ups for batch 1 and batch 8")
    assert problem.received == "warm-ups for batch 1, 7"


def test_cpu_model_needs_neither(toy: Path, broken: FindBroken) -> None:
    edit(toy, "head_a", "dynamic_batching { }", "")
    edit(toy, "head_a", '"max" batch_size: 8', '"max" batch_size: 7')
    assert broken() == []


def test_gpu_model_that_does_not_batch_needs_neither(toy: Path, broken: FindBroken) -> None:
    edit(toy, "preprocess", "KIND_CPU", "KIND_GPU")
    edit(toy, "preprocess", "max_batch_size: 8", "max_batch_size: 1")
    assert "gpu-without-batching" not in {problem.rule for problem in broken()}


def test_target_configs_are_checked_like_the_default(toy: Path) -> None:
    default = (toy / "head_a" / "config.pbtxt").read_text()
    tensorrt = default.replace('backend: "onnxruntime"', 'backend: "tensorrt"').replace("KIND_CPU", "KIND_GPU")
    _write_target(toy, "head_a", tensorrt)
    assert _problems(toy) == [], "a plan is built on the target, so no file is asked for"
    _write_target(toy, "head_a", tensorrt.replace("dynamic_batching { }", ""))
    (problem,) = _problems(toy)
    assert problem.rule == "gpu-without-batching"
    assert problem.file == toy / "head_a" / "configs" / "tensorrt.pbtxt"


def test_target_that_no_longer_fits_the_ensemble_is_refused(toy: Path) -> None:
    default = (toy / "head_a" / "config.pbtxt").read_text()
    halved = default.replace('"p3" data_type: TYPE_FP32', '"p3" data_type: TYPE_FP16')
    _write_target(toy, "head_a", halved.replace('backend: "onnxruntime"', 'backend: "tensorrt"'))
    rules = {problem.rule for problem in _problems(toy)}
    assert "type-mismatch" in rules


def _write_target(root: Path, model: str, text: str) -> None:
    (root / model / "configs").mkdir(exist_ok=True)
    (root / model / "configs" / "tensorrt.pbtxt").write_text(text)


def _problems(root: Path) -> list[Problem]:
    return find_problems(root, [TOY], MemoryPools())
