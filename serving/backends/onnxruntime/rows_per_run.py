"""A large request in several runs: on a CPU a batch takes more time and far more memory than its rows one by one.

Read from the model's parameter ``rows_per_run``. NVIDIA's backend does not know it and runs all rows at once: the
answer is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from request_batch import RunGraph, Tensors

PARAMETER = "rows_per_run"


def read_rows_per_run(config: Mapping[str, Any]) -> int | None:
    """Return the most rows that one run may take, or None where there is no limit.

    Args:
        config: The model's config as Triton hands it over (JSON form).

    Raises:
        ValueError: The parameter is no whole number above 0, or the model does not batch.
    """
    parameter = (config.get("parameters") or {}).get(PARAMETER)
    if parameter is None:
        return None
    text = str(parameter["string_value"])
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError(f"parameter '{PARAMETER}' must be a whole number above 0, got '{text}'")
    if int(config["max_batch_size"]) < 1:
        raise ValueError(f"parameter '{PARAMETER}' needs max_batch_size above 0: without batching there are no rows")
    return int(text)


def in_parts(run_graph: RunGraph, rows_per_run: int | None) -> RunGraph:
    """Return a graph that runs `run_graph` once for each `rows_per_run` rows and puts the outputs together.

    Args:
        run_graph: Takes and gives tensors whose first dimension is the batch.
        rows_per_run: The most rows of one run; None leaves `run_graph` as it is.
    """
    if rows_per_run is None:
        return run_graph

    def run(output_names: Sequence[str], inputs: Tensors) -> Tensors:
        row_count = len(next(iter(inputs.values())))
        if row_count <= rows_per_run:
            return run_graph(output_names, inputs)
        parts = [
            run_graph(output_names, {name: tensor[start : start + rows_per_run] for name, tensor in inputs.items()})
            for start in range(0, row_count, rows_per_run)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in output_names}

    return run
