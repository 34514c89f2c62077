"""Warm-up requests against the inputs of their model: Triton fails a load for each of these."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ensembles.checks.refusal import listed, refusal
from ensembles.config_file import type_name
from ensembles.model import Model
from ensembles.problem import Problem
from ensembles.repository import Repository
from ensembles.tensors import ANY_SIZE, TensorSpec, sizes_agree


def check_warmups(repository: Repository) -> Iterator[Problem]:
    """A warm-up has every input, its type, a size for each dimension, and a batch that the model takes."""
    for model in repository.models.values():
        for warmup in model.config.model_warmup if not model.is_ensemble else ():
            yield from _check_batch(model, warmup)
            yield from _check_inputs(model, warmup)


def _check_batch(model: Model, warmup: Any) -> Iterator[Problem]:
    largest = model.config.max_batch_size
    if not (1 <= warmup.batch_size <= largest if model.batches else warmup.batch_size == 0):
        yield refusal(
            model,
            "warmup-batch",
            expected=f"batch_size from 1 to {largest}" if model.batches else "batch_size 0, for it does not batch",
            received=f"batch_size {warmup.batch_size} in warm-up {warmup.name!r}",
            advice="correct the warm-up's batch_size",
        )


def _check_inputs(model: Model, warmup: Any) -> Iterator[Problem]:
    declared = model.inputs()
    required = declared.keys() - model.optional_inputs()
    if not required <= set(warmup.inputs) <= declared.keys():
        yield refusal(
            model,
            "warmup-inputs",
            expected=f"the model's inputs: {listed(declared)}",
            received=f"{listed(warmup.inputs)} in warm-up {warmup.name!r}",
            advice="give every input of the model, and no other",
        )
    for name in sorted(warmup.inputs.keys() & declared.keys()):
        yield from _check_input(model, warmup.name, name, warmup.inputs[name], declared[name])


def _check_input(model: Model, warmup: str, name: str, given: Any, spec: TensorSpec) -> Iterator[Problem]:
    data_type = type_name(given.data_type)
    sizes_given = all(size > 0 for size in given.dims)
    if data_type != spec.data_type or not sizes_given or not sizes_agree(given.dims, spec.dims):
        yield refusal(
            model,
            "warmup-input-mismatch",
            tensor=name,
            expected=f"{spec} with a size for each {ANY_SIZE}",
            received=f"{data_type} {list(given.dims)} in warm-up {warmup!r}",
            advice="correct data_type and dims of the warm-up; dims never include the batch",
        )
    if given.WhichOneof("input_data_type") is None:
        yield refusal(
            model,
            "warmup-data-missing",
            tensor=name,
            expected="one of zero_data, random_data, input_data_file",
            received=f"none in warm-up {warmup!r}",
            advice="write zero_data: true, unless the values matter",
        )
