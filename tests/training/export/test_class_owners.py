import json

import onnx
import pytest
from onnx import helper

from training.detector.served_weights import ServedWeightsError, newest_graph
from training.export.class_owners import ClassOwnerError, classes_taken_over


def taken_over(repository, heads, taking_over):
    return classes_taken_over({head: newest_graph(repository, head) for head in heads}, taking_over)


@pytest.fixture
def repository(tmp_path):
    """head_a: 1, 2, 3; head_b: 3, 4; head_c: 2, 3. An older version of head_c had other classes."""
    for head, version, ids in (("a", 1, [1, 2, 3]), ("b", 1, [3, 4]), ("c", 9, [1]), ("c", 10, [2, 3])):
        folder = tmp_path / f"head_{head}" / str(version)
        folder.mkdir(parents=True)
        model = helper.make_model(helper.make_graph([], "empty", [], []))
        helper.set_model_props(model, {"class_ids": json.dumps(ids)})
        onnx.save(model, folder / "model.onnx")
    return tmp_path


def test_the_head_that_takes_over_gets_the_shared_classes(repository):
    assert taken_over(repository, ["head_a", "head_b"], ["head_b"]) == {"head_a": [3]}
    assert taken_over(repository, ["head_a", "head_b"], ["head_a"]) == {"head_b": [3]}


def test_of_two_that_take_over_the_later_named_answers(repository):
    heads = ["head_a", "head_b", "head_c"]
    assert taken_over(repository, heads, ["head_b", "head_c"]) == {"head_a": [2, 3], "head_b": [3]}


def test_a_shared_class_that_nobody_claims_is_refused(repository):
    with pytest.raises(ClassOwnerError, match="class 2 is in head_a and head_c: say which"):
        taken_over(repository, ["head_a", "head_b", "head_c"], ["head_b"])


def test_disjoint_heads_give_nothing_up(repository):
    assert taken_over(repository, ["head_a"], []) == {}


def test_names_that_do_not_exist_are_refused_beside_those_that_do(repository):
    with pytest.raises(ClassOwnerError, match="--take-over names head_x; the heads are head_a"):
        taken_over(repository, ["head_a"], ["head_x"])
    with pytest.raises(ServedWeightsError, match="no graph of 'head_z'; there are: head_a, head_b, head_c"):
        taken_over(repository, ["head_a", "head_z"], [])
