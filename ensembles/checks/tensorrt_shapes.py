"""The shapes of a TensorRT engine: its profiles, warm-ups and CUDA graphs speak of the same ones.

Engines are built with one optimisation profile for each set of input sizes among the warm-ups (`python -m serving
build-engines`). Triton uses the profiles that the instance group lists, and captures a CUDA graph for each
graph_spec; without specs it captures batch 1, the preferred ones and the largest, of shapes that nobody sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ensembles.checks.refusal import listed, refusal
from ensembles.model import Model
from ensembles.problem import Problem
from ensembles.repository import Repository

# Sizes of all inputs, by name.
_Sizes = tuple[tuple[str, tuple[int, ...]], ...]


def check_tensorrt_shapes(repository: Repository) -> Iterator[Problem]:
    """Each canvas has a profile, warm-ups for batch 1 and the largest, and graphs for every batch size in use."""
    for model in repository.models.values():
        if model.backend != "tensorrt":
            continue
        warmed: dict[_Sizes, set[int]] = {}
        for warmup in model.config.model_warmup:
            warmed.setdefault(_sizes(warmup.inputs, "dims"), set()).add(warmup.batch_size)
        yield from _check_profiles(model, max(1, len(warmed)))
        yield from _check_warmups(model, warmed)
        if model.config.optimization.cuda.graphs:
            yield from _check_graphs(model, set(warmed))


def _check_profiles(model: Model, number_of_canvases: int) -> Iterator[Problem]:
    expected = [str(index) for index in range(number_of_canvases)]
    for group in model.config.instance_group:
        received = list(group.profile) or ["0"]
        if received != expected:
            yield refusal(
                model,
                "tensorrt-profiles",
                expected=f"profile: {expected}, one for each set of sizes among the warm-ups",
                received=f"profile: {received}",
                advice="list every profile, or remove the warm-ups of sizes that nobody sends",
            )


def _check_warmups(model: Model, warmed: dict[_Sizes, set[int]]) -> Iterator[Problem]:
    if not model.batches:
        return
    needed = {1, model.config.max_batch_size}
    for sizes, batches in warmed.items():
        if not needed <= batches:
            yield refusal(
                model,
                "tensorrt-warmups",
                expected=f"warm-ups of {_written(sizes)} for batch {listed(needed)}",
                received=f"for batch {listed(batches)}",
                advice="add them: the first run of a profile is slow",
            )


def _check_graphs(model: Model, canvases: set[_Sizes]) -> Iterator[Problem]:
    preferred = set(model.config.dynamic_batching.preferred_batch_size)
    batches = {1, model.config.max_batch_size, *preferred} if model.batches else {0}
    captured = {(_sizes(spec.input, "dim"), spec.batch_size) for spec in model.config.optimization.cuda.graph_spec}
    for sizes in sorted(canvases):
        missing = {batch for batch in batches if (sizes, batch) not in captured}
        if missing:
            yield refusal(
                model,
                "cuda-graph-missing",
                expected=f"graph_spec of {_written(sizes)} for batch {listed(batches)}",
                received=f"none for batch {listed(missing)}",
                advice="add them, or prefer batch sizes that have a graph",
            )
    for sizes, batch in sorted(captured):
        if sizes not in canvases:
            yield refusal(
                model,
                "cuda-graph-unused",
                expected="a graph_spec of the sizes of some warm-up",
                received=f"{_written(sizes)} for batch {batch}",
                advice="correct its sizes; dim never includes the batch",
            )


def _sizes(inputs: Any, field: str) -> _Sizes:
    return tuple((name, tuple(getattr(inputs[name], field))) for name in sorted(inputs))


def _written(sizes: _Sizes) -> str:
    return ", ".join(f"{name} {list(dims)}" for name, dims in sizes)
