from pathlib import Path

import pytest

from tests.ensembles.conftest import FindBroken
from tests.ensembles.toy_repository import edit

_TIMEOUT = "dynamic_batching { default_queue_policy { timeout_action: REJECT default_timeout_microseconds: 9 } }"


def test_limited_queue_of_one_of_two_parallel_heads_is_refused(toy: Path, broken: FindBroken) -> None:
    edit(
        toy,
        "head_a",
        "dynamic_batching { }",
        "dynamic_batching { default_queue_policy { max_queue_size: 4 } }",
    )
    (problem,) = broken()
    assert (problem.rule, problem.model) == ("queue-limit-hangs", "head_a")
    assert problem.expected == "no max_queue_size, since in toy it runs beside head_b"


def test_queue_timeout_in_one_head_is_well_and_in_two_is_refused(toy: Path, broken: FindBroken) -> None:
    edit(toy, "head_a", "dynamic_batching { }", _TIMEOUT)
    assert broken() == []
    edit(toy, "head_b", "dynamic_batching { }", _TIMEOUT)
    (problem,) = broken()
    assert (problem.rule, problem.model) == ("queue-timeouts-leak", "head_b")


def test_timeout_that_callers_set_counts_too(toy: Path, broken: FindBroken) -> None:
    edit(toy, "head_a", "dynamic_batching { }", _TIMEOUT)
    edit(
        toy,
        "head_b",
        "dynamic_batching { }",
        "dynamic_batching { default_queue_policy { allow_timeout_override: true } }",
    )
    assert [problem.rule for problem in broken()] == ["queue-timeouts-leak"]


@pytest.mark.parametrize("model", ["preprocess", "label_propagation"])
def test_step_that_runs_alone_may_refuse(toy: Path, broken: FindBroken, model: str) -> None:
    policy = "dynamic_batching { default_queue_policy { max_queue_size: 4 default_timeout_microseconds: 9 } }"
    edit(toy, model, "instance_group", f"{policy}\ninstance_group")
    edit(toy, "head_a", "dynamic_batching { }", _TIMEOUT)
    assert broken() == []
