"""The words in which a wiring is written: an ensemble and its steps.

A step reads and writes tensors of the ensemble. By default a model's tensor `pixels` is the ensemble's tensor
`pixels`; a step says only what differs. Types, shapes and the list of a model's tensors are never written in
a wiring: they are derived from the models' own configs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Step:
    """One model of an ensemble."""

    model: str
    """Folder of the model in the repository."""
    version: int = 1
    """The version this step is pinned to. Ensembles never follow "the latest": see docs/ARCHITECTURE.md."""
    output_prefix: str = ""
    """Put before the model's output names, so that several heads can coexist."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Model input -> ensemble tensor, for those whose names differ."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Model output -> ensemble tensor, for those whose names differ by more than the prefix."""

    def input_source(self, model_input: str) -> str:
        """Name of the ensemble tensor that feeds `model_input`."""
        return self.inputs.get(model_input, model_input)

    def output_target(self, model_output: str) -> str:
        """Name of the ensemble tensor that `model_output` becomes."""
        return self.outputs.get(model_output, self.output_prefix + model_output)


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """A graph of models that Triton serves under one name."""

    name: str
    """Folder and public name."""
    max_batch_size: int
    """Largest batch of one request; 0 for an ensemble whose tensors spell their batch dimension out."""
    inputs: tuple[str, ...]
    """Tensors which the caller sends, in the order of the published contract."""
    outputs: tuple[str, ...]
    """Tensors which the caller may ask for, in the order of the published contract. `attribute_*` stands for all that
    the steps write of such a name, in the order of the models' configs: there may be none."""
    output_dims: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Dims of an output, where this ensemble knows a size that the model leaves open."""
    steps: tuple[Step, ...]
    """The models. Their order is for the reader: Triton runs a step as soon as its inputs are there."""
    response_cache: bool = False
    """Whether equal requests may be answered from the server's response cache, where it has one."""
    taxonomy_model: str | None = None
    """The step whose `<version>/taxonomy.json` is published as parameter `taxonomy`, if any."""
    published_parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Step's model -> parameters of its config which callers need: the ensemble publishes them too, since under a
    rollout only ensembles keep their names."""
