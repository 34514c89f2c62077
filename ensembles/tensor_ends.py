"""Who writes and who reads each tensor of an ensemble."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ensembles.model import Model
from ensembles.repository import Repository
from ensembles.tensors import TensorSpec


@dataclass(frozen=True)
class TensorEnd:
    """One end of an ensemble's tensor: the caller's, or a composing model's."""

    tensor: str
    """Name within the ensemble."""
    writes: bool
    """Whether this end puts the tensor into the graph: an ensemble input or a step's output."""
    step: int | None
    """Index of the step; None for the ensemble's own input or output."""
    model: str
    model_tensor: str
    spec: TensorSpec | None
    """None where the model, or this tensor of it, is unknown."""

    def __str__(self) -> str:
        if self.step is None:
            return f"the ensemble's own {'input' if self.writes else 'output'}"
        return f"{self.model}.{self.model_tensor} of step {self.step}"


def tensor_ends(ensemble: Model, repository: Repository) -> Iterator[TensorEnd]:
    """Yield every end: the ensemble's inputs, each step's inputs and outputs, the ensemble's outputs."""
    for name, spec in ensemble.inputs().items():
        yield TensorEnd(name, True, None, ensemble.name, name, spec)
    for index, step in enumerate(ensemble.config.ensemble_scheduling.step):
        model = repository.models.get(step.model_name)
        inputs = model.inputs() if model is not None else {}
        outputs = model.outputs() if model is not None else {}
        for name, tensor in sorted(step.input_map.items()):
            yield TensorEnd(tensor, False, index, step.model_name, name, inputs.get(name))
        for name, tensor in sorted(step.output_map.items()):
            yield TensorEnd(tensor, True, index, step.model_name, name, outputs.get(name))
    for name, spec in ensemble.outputs().items():
        yield TensorEnd(name, False, None, ensemble.name, name, spec)
