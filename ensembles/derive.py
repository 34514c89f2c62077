"""From a wiring and the models it names to the ensemble's ModelConfig."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tritonclient.grpc import model_config_pb2
from tritonclient.grpc.model_config_pb2 import ModelConfig

from ensembles.graph import Ensemble, Step
from ensembles.model import Model
from ensembles.repository import Repository
from ensembles.tensors import TensorSpec, dims_within


def derive_config(ensemble: Ensemble, repository: Repository) -> ModelConfig:
    """Spell a wiring out: every step's maps, and types and dims of what the ensemble takes and gives.

    Types and dims are those of the first model that reads an input or writes an output. An output of a step
    that nobody reads and the ensemble does not publish is left out, since Triton refuses unused tensors.

    What does not fit (a model that does not exist, a tensor nobody writes) is spelt out as it stands:
    `ensembles.checks` reads the result as it reads any config, so each rule is written once.
    """
    links = [link for step in ensemble.steps for link in _links_of(step, repository.models.get(step.model))]
    available = {*ensemble.inputs, *(link.tensor for link in links if link.is_output)}
    links = [link for link in links if link.is_output or not link.optional or link.tensor in available]
    outputs = _spelt_out(ensemble.outputs, [link.tensor for link in links if link.is_output])
    needed = {*outputs, *(link.tensor for link in links if not link.is_output)}

    config = ModelConfig(name=ensemble.name, platform="ensemble", max_batch_size=ensemble.max_batch_size)
    if ensemble.response_cache:
        config.response_cache.enable = True
    for name in ensemble.inputs:
        readers = [link.spec for link in links if link.tensor == name and not link.is_output]
        _declare(config.input.add(name=name), readers, batched=ensemble.max_batch_size > 0)
    for name in outputs:
        writers = [link.spec for link in links if link.tensor == name and link.is_output]
        tensor = config.output.add(name=name)
        _declare(tensor, writers, batched=ensemble.max_batch_size > 0)
        if name in ensemble.output_dims:
            tensor.dims[:] = ensemble.output_dims[name]
    for step in ensemble.steps:
        message = config.ensemble_scheduling.step.add(model_name=step.model, model_version=step.version)
        for link in links:
            if link.step is step and not link.is_output:
                message.input_map[link.model_tensor] = link.tensor
            elif link.step is step and link.tensor in needed:
                message.output_map[link.model_tensor] = link.tensor
    for model, names in ensemble.published_parameters.items():
        parameters = repository.models[model].config.parameters if model in repository.models else {}
        for name in names:
            if name in parameters:
                config.parameters[name].CopyFrom(parameters[name])
    return config


def _spelt_out(outputs: Iterable[str], written: Iterable[str]) -> list[str]:
    """Outputs with every name that ends with `*` replaced by the written tensors that begin so."""
    return [
        name
        for output in outputs
        for name in (
            [tensor for tensor in written if tensor.startswith(output[:-1])] if output.endswith("*") else [output]
        )
    ]


@dataclass(frozen=True)
class _Link:
    """One tensor of a step's model and the ensemble's tensor that it is."""

    step: Step
    model_tensor: str
    tensor: str
    is_output: bool
    spec: TensorSpec | None
    """None where the wiring names a tensor that the model does not have."""
    optional: bool = False


def _links_of(step: Step, model: Model | None) -> list[_Link]:
    """All links of a step: the model's tensors, then those which only the wiring believes in."""
    inputs = model.inputs() if model is not None else {}
    outputs = model.outputs() if model is not None else {}
    may_be_left_out = model.optional_inputs() - step.inputs.keys() if model is not None else set()
    return [
        *(
            _Link(step, name, step.input_source(name), False, inputs.get(name), name in may_be_left_out)
            for name in dict.fromkeys([*inputs, *step.inputs])
        ),
        *(
            _Link(step, name, step.output_target(name), True, outputs.get(name))
            for name in dict.fromkeys([*outputs, *step.outputs])
        ),
    ]


def _declare(tensor: Any, ends: Iterable[TensorSpec | None], *, batched: bool) -> None:
    """Give a tensor of the ensemble the type and dims of the first known end, if there is one."""
    spec = next((end for end in ends if end is not None), None)
    if spec is not None:
        tensor.data_type = model_config_pb2.DataType.Value(f"TYPE_{spec.data_type}")
        tensor.dims.extend(dims_within(spec, batched=batched))
