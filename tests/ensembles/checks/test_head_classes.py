from pathlib import Path

import pytest

from tests.ensembles.conftest import FindBroken
from tests.ensembles.toy_repository import write_head, write_taxonomy


def test_class_outside_the_taxonomy_is_refused(toy: Path, broken: FindBroken) -> None:
    write_head(toy, "head_a", [1, 77])
    (problem,) = broken()
    assert (problem.rule, problem.model) == ("head-class-unknown", "head_a")
    assert problem.received == "unknown ids [77]"


@pytest.mark.parametrize("class_ids", [None, [], "1,2", {"1": "cat"}, [1.5]])
def test_head_that_does_not_say_its_classes_is_refused(toy: Path, broken: FindBroken, class_ids: object) -> None:
    write_head(toy, "head_b", class_ids)
    (problem,) = broken()
    assert (problem.rule, problem.model) == ("head-classes-missing", "head_b")


def test_broken_taxonomy_is_refused(toy: Path, broken: FindBroken) -> None:
    write_taxonomy(toy, [{"id": 1, "name": "cat", "parents": [2]}, {"id": 2, "name": "dog", "parents": [1]}])
    assert [problem.rule for problem in broken()] == ["taxonomy-cycle"]


def test_missing_taxonomy_is_refused(toy: Path, broken: FindBroken) -> None:
    (toy / "label_propagation" / "1" / "taxonomy.json").unlink()
    assert [problem.rule for problem in broken()] == ["taxonomy-unreadable"]
