"""What each config declares about its own inputs and outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ensembles.checks.refusal import refusal
from ensembles.model import Model
from ensembles.problem import Problem
from ensembles.repository import Repository


def check_declared_tensors(repository: Repository) -> Iterator[Problem]:
    """Every model declares inputs and outputs, each once, with a type and dims that exist."""
    for model in repository.models.values():
        for kind, tensors in (("input", model.config.input), ("output", model.config.output)):
            if not tensors:
                yield refusal(
                    model,
                    f"{kind}s-missing",
                    expected=f"at least one {kind}",
                    received="none",
                    advice=f"declare the model's {kind}s; production runs without auto-completion",
                )
            for name, count in Counter(tensor.name for tensor in tensors).items():
                if count > 1:
                    yield refusal(
                        model,
                        "tensor-declared-twice",
                        tensor=name,
                        expected=f"every {kind} once",
                        received=f"{count} times",
                        advice="remove or rename the repetition",
                    )
        yield from _check_types_and_dims(model)


def _check_types_and_dims(model: Model) -> Iterator[Problem]:
    for name, spec in (model.inputs() | model.outputs()).items():
        if spec.data_type == "INVALID":
            yield refusal(
                model,
                "tensor-type-missing",
                tensor=name,
                expected="a data_type",
                received="none",
                advice="write data_type: TYPE_...",
            )
        if not spec.dims or any(size == 0 or size < -1 for size in spec.dims):
            yield refusal(
                model,
                "tensor-dims-invalid",
                tensor=name,
                expected="dims, each -1 or at least 1, without the batch dimension",
                received=f"dims: [{', '.join(map(str, spec.dims))}]",
                advice="correct dims; Triton takes a scalar as dims: [ 1 ]",
            )
