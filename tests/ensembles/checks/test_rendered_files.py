import shutil
from dataclasses import replace
from pathlib import Path

from ensembles.checks import find_problems
from ensembles.memory_pools import MemoryPools
from ensembles.problem import Problem
from tests.ensembles.toy_repository import TAXONOMY, TOY, edit, write_taxonomy


def _problems(root: Path) -> list[Problem]:
    return find_problems(root, [TOY], MemoryPools())


def test_rendered_file_is_well(toy: Path) -> None:
    assert _problems(toy) == []


def test_edited_file_is_refused_with_its_first_difference(toy: Path) -> None:
    edit(toy, "toy", '"friend"', '"foe"')
    (problem,) = _problems(toy)
    assert problem.rule == "differs-from-wiring"
    assert '"foe"' in problem.received
    assert "python -m ensembles render" in problem.advice


def test_file_without_its_header_is_refused(toy: Path) -> None:
    path = toy / "toy" / "config.pbtxt"
    path.write_text(path.read_text().split("\n", 3)[3])
    assert [problem.rule for problem in _problems(toy)] == ["differs-from-wiring"]


def test_file_with_other_line_ends_is_refused(toy: Path) -> None:
    path = toy / "toy" / "config.pbtxt"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert [problem.rule for problem in _problems(toy)] == ["differs-from-wiring"]


def test_changed_model_makes_the_ensemble_stale(toy: Path) -> None:
    edit(
        toy,
        "label_propagation",
        '"scores" data_type: TYPE_FP32 dims: [ 6 ]',
        '"scores" data_type: TYPE_FP32 dims: [ 7 ]',
    )
    assert {"differs-from-wiring", "shape-mismatch", "onnx-shape-mismatch"} == {
        problem.rule for problem in _problems(toy)
    }


def test_new_class_makes_the_ensemble_stale(toy: Path) -> None:
    write_taxonomy(toy, [*TAXONOMY, {"id": 10, "name": "cow", "parents": [9]}])
    (problem,) = _problems(toy)
    assert problem.rule == "differs-from-wiring"


def test_missing_ensemble_is_refused(toy: Path) -> None:
    shutil.rmtree(toy / "toy")
    (problem,) = _problems(toy)
    assert (problem.rule, problem.received) == ("differs-from-wiring", "no such file")


def test_ensemble_without_wiring_is_refused(toy: Path) -> None:
    problems = find_problems(toy, [replace(TOY, name="other")], MemoryPools())
    assert {problem.rule for problem in problems} == {"differs-from-wiring", "ensemble-without-wiring"}
