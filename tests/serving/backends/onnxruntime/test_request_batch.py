"""Joining and dealing out, with a graph that is a plain function."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

# By name: type checkers do not see the folder that `conftest.py` puts on the path.
request_batch = import_module("request_batch")
PendingRequest, run_requests = request_batch.PendingRequest, request_batch.run_requests

Tensors = dict[str, NDArray]


class RecordingGraph:
    """`double = 2 x`, `half = x / 2`; refuses negative values; notes every run."""

    def __init__(self) -> None:
        self.runs: list[tuple[list[str], tuple[int, ...]]] = []

    def __call__(self, output_names: Sequence[str], inputs: Tensors) -> Tensors:
        x = inputs["x"]
        self.runs.append((list(output_names), x.shape))
        if (x < 0).any():
            raise RuntimeError(f"negative value {x.min()}")
        outputs = {"double": 2 * x, "half": x / 2, "sum": x.sum(keepdims=True)[:1]}
        return {name: outputs[name] for name in output_names}


def request(values: list, *output_names: str) -> Any:
    return PendingRequest(inputs={"x": np.array(values, np.float32)}, output_names=output_names or ("double",))


def test_all_rows_go_through_one_run() -> None:
    graph = RecordingGraph()
    requests = [request([[1], [2]]), request([[3]]), request([[4], [5], [6]])]
    run_requests(requests, graph, is_batched=True)
    assert graph.runs == [(["double"], (6, 1))]
    assert [pending.outputs["double"].ravel().tolist() for pending in requests] == [[2, 4], [6], [8, 10, 12]]


def test_one_request_is_passed_on_without_a_copy() -> None:
    seen = []

    def run_graph(output_names: Sequence[str], inputs: Tensors) -> Tensors:
        seen.append(inputs["x"])
        return {"double": 2 * inputs["x"]}

    pending = request([[1]])
    run_requests([pending], run_graph, is_batched=True)
    assert seen[0] is pending.inputs["x"]


def test_only_outputs_that_somebody_wants_are_asked_of_the_graph() -> None:
    graph = RecordingGraph()
    requests = [request([[1]], "half"), request([[2]], "double"), request([[3]], "half")]
    run_requests(requests, graph, is_batched=True)
    assert graph.runs == [(["half", "double"], (3, 1))]
    assert [list(pending.outputs) for pending in requests] == [["half"], ["double"], ["half"]]


def test_rows_of_different_shape_run_in_groups() -> None:
    graph = RecordingGraph()
    requests = [request([[1]]), request([[1, 2]]), request([[3]])]
    run_requests(requests, graph, is_batched=True)
    assert [shape for _, shape in graph.runs] == [(2, 1), (1, 2)]
    assert [pending.outputs["double"].tolist() for pending in requests] == [[[2]], [[2, 4]], [[6]]]


def test_without_batching_every_request_runs_alone() -> None:
    graph = RecordingGraph()
    run_requests([request([1]), request([2])], graph, is_batched=False)
    assert [shape for _, shape in graph.runs] == [(1,), (1,)]


def test_after_a_failure_each_runs_alone_and_only_the_one_at_fault_fails() -> None:
    graph = RecordingGraph()
    requests = [request([[1]]), request([[-7]]), request([[3]])]
    run_requests(requests, graph, is_batched=True)
    assert [pending.error for pending in requests] == [None, "negative value -7.0", None]
    assert [pending.outputs["double"].tolist() for pending in (requests[0], requests[2])] == [[[2]], [[6]]]
    assert len(graph.runs) == 4


def test_a_graph_that_loses_the_batch_falls_back_to_single_runs() -> None:
    graph = RecordingGraph()
    requests = [request([[1]], "sum"), request([[2]], "sum")]
    run_requests(requests, graph, is_batched=True)
    assert [pending.error for pending in requests] == [None, None]
    assert [pending.outputs["sum"].item() for pending in requests] == [1, 2]


@pytest.mark.parametrize("is_batched", [True, False])
def test_no_requests_are_no_runs(is_batched: bool) -> None:
    graph = RecordingGraph()
    run_requests([], graph, is_batched=is_batched)
    assert graph.runs == []
