"""Many requests, one run: join the rows of requests, run once, deal the rows of the outputs out again.

A request that cannot be joined or whose values fail the run does not fail its neighbours: after a failure of
the joint run every request runs alone, and only the one at fault gets the error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[Any]]
#: Takes the names of the wanted outputs and the inputs, returns those outputs.
RunGraph = Callable[[Sequence[str], Tensors], Tensors]


@dataclass
class PendingRequest:
    """One request on its way through the graph.

    Attributes:
        inputs: Input tensors by name; with batching the first dimension is the request's rows.
        output_names: Outputs that the caller wants.
        outputs: Filled by ``run_requests``: the wanted outputs.
        error: Filled by ``run_requests`` instead of ``outputs``: why there is no answer.
    """

    inputs: Tensors
    output_names: Sequence[str]
    outputs: Tensors = field(default_factory=dict)
    error: str | None = None

    @property
    def row_count(self) -> int:
        """Size of the first dimension, which all inputs of a request share."""
        return int(next(iter(self.inputs.values())).shape[0])

    @property
    def shape_per_row(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of one row of each input: requests that agree in it can be joined."""
        return {name: tensor.shape[1:] for name, tensor in self.inputs.items()}


def run_requests(requests: Sequence[PendingRequest], run_graph: RunGraph, *, is_batched: bool) -> None:
    """Fill ``outputs`` or ``error`` of every request, with as few runs as possible.

    Args:
        requests: Any number of requests; Triton's batcher has kept their rows within ``max_batch_size``.
        run_graph: Runs the graph once.
        is_batched: The first dimension of every tensor is the batch. Otherwise each request runs alone.
    """
    for group in _joinable_groups(requests, is_batched=is_batched):
        _run_group(group, run_graph)


def _joinable_groups(requests: Sequence[PendingRequest], *, is_batched: bool) -> list[list[PendingRequest]]:
    if not is_batched:
        return [[request] for request in requests]
    groups: list[list[PendingRequest]] = []
    for request in requests:
        for group in groups:
            if group[0].shape_per_row == request.shape_per_row:
                group.append(request)
                break
        else:
            groups.append([request])
    return groups


def _run_group(group: Sequence[PendingRequest], run_graph: RunGraph) -> None:
    try:
        if len(group) == 1:
            group[0].outputs = run_graph(group[0].output_names, group[0].inputs)
        else:
            _run_joined(group, run_graph)
    # ONNX Runtime's exceptions have no base class but Exception, and whatever went wrong belongs to these
    # requests only.
    except Exception as error:
        if len(group) == 1:
            group[0].error = str(error)
            return
        for request in group:
            _run_group([request], run_graph)


def _run_joined(group: Sequence[PendingRequest], run_graph: RunGraph) -> None:
    joined_inputs = {name: np.concatenate([request.inputs[name] for request in group]) for name in group[0].inputs}
    # dict, not set: one order of the outputs whatever the hash seed
    wanted_names = list(dict.fromkeys(name for request in group for name in request.output_names))
    joined_outputs = run_graph(wanted_names, joined_inputs)

    row_count = sum(request.row_count for request in group)
    for name, tensor in joined_outputs.items():
        if tensor.ndim == 0 or tensor.shape[0] != row_count:
            raise ValueError(
                f"output '{name}' has shape {list(tensor.shape)} for {row_count} rows of input:"
                " its first dimension must be the batch."
                " Export the graph so that it keeps the batch, or set max_batch_size: 0."
            )
    first_row = 0
    for request in group:
        rows = slice(first_row, first_row + request.row_count)
        request.outputs = {name: joined_outputs[name][rows] for name in request.output_names}
        first_row = rows.stop
