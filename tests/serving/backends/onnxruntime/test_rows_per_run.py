"""A batch in several runs, with a graph that is a plain function."""

from importlib import import_module

import numpy as np
import pytest

# By name: type checkers do not see the folder that `conftest.py` puts on the path.
rows_per_run = import_module("rows_per_run")


class SumOfRow:
    """`sum = x + y`, and the rows of every run."""

    def __init__(self):
        self.runs = []

    def __call__(self, output_names, inputs):
        self.runs.append(inputs["x"].ravel().tolist())
        outputs = {"sum": inputs["x"] + inputs["y"], "x": inputs["x"]}
        return {name: outputs[name] for name in output_names}


def config_with(rows, *, max_batch_size=8):
    return {"max_batch_size": max_batch_size, "parameters": {"rows_per_run": {"string_value": rows}}}


@pytest.mark.parametrize(
    ("most", "runs"),
    [
        (1, [[0], [1], [2], [3], [4]]),
        (2, [[0, 1], [2, 3], [4]]),
        (5, [[0, 1, 2, 3, 4]]),
        (9, [[0, 1, 2, 3, 4]]),
        (None, [[0, 1, 2, 3, 4]]),
    ],
)
def test_no_run_has_more_rows_and_the_answer_is_that_of_one_run(most, runs):
    graph = SumOfRow()
    x = np.arange(5, dtype=np.float32).reshape(5, 1)
    answer = rows_per_run.in_parts(graph, most)(["sum"], {"x": x, "y": 10 * x})
    assert graph.runs == runs
    assert list(answer) == ["sum"]
    np.testing.assert_array_equal(answer["sum"], 11 * x)


def test_strings_keep_their_rows():
    words = np.array([[b"a"], [b"longer"], [b""]], object)
    answer = rows_per_run.in_parts(lambda names, inputs: dict(inputs), 1)(["words"], {"words": words})
    np.testing.assert_array_equal(answer["words"], words)


def test_the_parameter_is_read_and_without_it_there_is_no_limit():
    assert rows_per_run.read_rows_per_run(config_with("4")) == 4
    assert rows_per_run.read_rows_per_run({"max_batch_size": 8}) is None


@pytest.mark.parametrize("text", ["0", "-1", "all", "1.5", ""])
def test_what_is_no_number_of_rows_is_refused(text):
    with pytest.raises(ValueError, match="'rows_per_run' must be a whole number above 0, got '"):
        rows_per_run.read_rows_per_run(config_with(text))


def test_a_model_without_batches_has_no_rows():
    with pytest.raises(ValueError, match="needs max_batch_size above 0"):
        rows_per_run.read_rows_per_run(config_with("1", max_batch_size=0))
