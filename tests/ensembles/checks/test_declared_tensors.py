from pathlib import Path

import pytest

from tests.ensembles.conftest import FindBroken
from tests.ensembles.toy_repository import edit


@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        ("dims: [ 2 ]", "dims: [ ]", ["tensor-dims-invalid", "shape-mismatch", "shape-mismatch"]),
        ("dims: [ 2 ]", "dims: [ 0 ]", ["tensor-dims-invalid", "shape-mismatch", "shape-mismatch"]),
        ('"image_size" data_type: TYPE_INT32', '"image_size"', ["tensor-type-missing"]),
        ('"image_size"', '"pixels"', ["tensor-declared-twice"]),
        ('input [ { name: "image" data_type: TYPE_STRING dims: [ 1 ] } ]', "", ["inputs-missing"]),
    ],
)
def test_broken_declaration_is_refused(toy: Path, broken: FindBroken, old: str, new: str, rules: list[str]) -> None:
    edit(toy, "preprocess", old, new)
    assert [problem.rule for problem in broken()][: len(rules)] == rules
