from pathlib import Path

import pytest

from tests.ensembles.conftest import FindBroken
from tests.ensembles.toy_repository import edit

_GOOD = """name: "one" batch_size: 1
    inputs { key: "p3" value: { data_type: TYPE_FP32 dims: [ 3, 8, 16 ] zero_data: true } }"""


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("batch_size: 1", "batch_size: 9", "warmup-batch"),
        ("batch_size: 1", "", "warmup-batch"),
        ('"p3"', '"p4"', "warmup-inputs"),
        ("TYPE_FP32", "TYPE_FP16", "warmup-input-mismatch"),
        ("[ 3, 8, 16 ]", "[ 3, -1, -1 ]", "warmup-input-mismatch"),
        ("[ 3, 8, 16 ]", "[ 4, 8, 16 ]", "warmup-input-mismatch"),
        ("[ 3, 8, 16 ]", "[ 1, 3, 8, 16 ]", "warmup-input-mismatch"),
        ("zero_data: true", "", "warmup-data-missing"),
    ],
)
def test_warmup_that_the_model_would_not_take_is_refused(
    toy: Path, broken: FindBroken, old: str, new: str, rule: str
) -> None:
    edit(toy, "head_a", _GOOD, _GOOD.replace(old, new))
    (problem,) = broken()
    assert (problem.rule, problem.model) == (rule, "head_a")
    assert "'one'" in problem.received
