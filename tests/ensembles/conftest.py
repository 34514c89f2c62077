from collections.abc import Callable
from pathlib import Path

import pytest

from ensembles.checks import find_problems
from ensembles.memory_pools import MemoryPools
from ensembles.problem import Problem
from tests.ensembles.toy_repository import TOY, write_toy_repository

FindBroken = Callable[..., list[Problem]]


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A good repository with the ensemble `toy`."""
    return write_toy_repository(tmp_path / "model_repository")


@pytest.fixture
def broken(toy: Path) -> FindBroken:
    """Check the toy; that an edited ensemble differs from its wiring is another test's business."""

    def find(pools: MemoryPools | None = None) -> list[Problem]:
        found = find_problems(toy, [TOY], pools if pools is not None else MemoryPools())
        return [problem for problem in found if problem.rule != "differs-from-wiring"]

    return find
