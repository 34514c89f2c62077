"""What may not differ from target to target: the tensors, for callers and neighbours are the same everywhere."""

from __future__ import annotations

from collections.abc import Iterator

from ensembles.checks.refusal import refusal
from ensembles.model import Model
from ensembles.problem import Problem
from ensembles.repository import Repository
from ensembles.tensors import TensorSpec


def check_target_agreement(default: Repository, target: Repository) -> Iterator[Problem]:
    """Every config of a target declares the inputs, outputs and largest batch of its model's config.pbtxt."""
    for name, model in target.models.items():
        original = default.models.get(name)
        if original is None or original.config_path == model.config_path:
            continue
        if original.config.max_batch_size != model.config.max_batch_size:
            yield refusal(
                model,
                "target-batch-differs",
                expected=f"max_batch_size: {original.config.max_batch_size}, as {original.config_path} has it",
                received=f"max_batch_size: {model.config.max_batch_size}",
                advice="make them equal; the ensembles are rendered once, for all targets",
            )
        yield from _check_tensors(model, original, "input", model.inputs(), original.inputs())
        yield from _check_tensors(model, original, "output", model.outputs(), original.outputs())


def _check_tensors(
    model: Model, original: Model, kind: str, here: dict[str, TensorSpec], there: dict[str, TensorSpec]
) -> Iterator[Problem]:
    for tensor in sorted(here.keys() | there.keys()):
        if here.get(tensor) != there.get(tensor):
            yield refusal(
                model,
                "target-tensor-differs",
                tensor=tensor,
                expected=f"the {kind} {there.get(tensor, 'missing')}, as {original.config_path} has it",
                received=str(here.get(tensor, "missing")),
                advice="declare the same tensors in both",
            )
