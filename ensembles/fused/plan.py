"""Which steps of an ensemble become one graph, in what order, and the two configs that follow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tritonclient.grpc import model_config_pb2
from tritonclient.grpc.model_config_pb2 import ModelConfig

from ensembles.fused.errors import CannotFuse
from ensembles.fused.graph import GraphStep
from ensembles.model import Model
from ensembles.repository import Repository
from ensembles.tensors import TensorSpec, dims_within

Step = Any
"""One step of `ensemble_scheduling`; the protobuf classes ship no types."""


@dataclass(frozen=True, kw_only=True)
class FusionPlan:
    """What fusing one ensemble makes."""

    graph_name: str
    """Name of the model that holds the joined graph."""
    version: int
    """Version of both models: the ensemble's own, so that a new release is a new version here too."""
    steps: tuple[GraphStep, ...]
    """The graphs to join, each behind those it reads from."""
    outputs: tuple[str, ...]
    """The ensemble's tensors which the joined graph gives."""
    kept: tuple[Model, ...]
    """Models that stay steps of their own."""
    graph_config: ModelConfig
    ensemble_config: ModelConfig


def plan_fusion(ensemble: Model, repository: Repository) -> FusionPlan:
    """Decide what becomes one graph: all steps that are ONNX.

    The joined graph runs as its first step did: with that model's instances, threads, batching and queue. The limit on
    the queue belongs there, since it is the first thing in a request's way that is slow.

    Raises:
        CannotFuse: a model is missing, fewer than two steps are ONNX, or Python stands between two of them.
    """
    steps = list(ensemble.config.ensemble_scheduling.step)
    models = {step.model_name: _model_of(step.model_name, ensemble, repository) for step in steps}
    fused = [step for step in steps if models[step.model_name].backend == "onnxruntime"]
    kept = [step for step in steps if step not in fused]
    if len(fused) < 2:
        raise CannotFuse(
            f"{ensemble.name} has {len(fused)} step(s) of backend onnxruntime; there is something to fuse from two on"
        )
    fused = _in_order_of_reading(fused)
    written = {tensor for step in fused for tensor in step.output_map.values()}
    for step in kept:
        if between := sorted(written & set(step.input_map.values())):
            raise CannotFuse(
                f"step {step.model_name} of {ensemble.name} is no ONNX model and reads {', '.join(between)} of steps "
                "that are: a graph cannot be joined across it. Export it to ONNX, or serve the ensemble as it is."
            )
    published = [output.name for output in ensemble.config.output if output.name in written]
    graph_name, version = f"{ensemble.name}_fused_graph", max(ensemble.served_versions(), default=1)
    specs = {
        tensor: spec
        for step in fused
        for names, declared in (
            (step.input_map, models[step.model_name].inputs()),
            (step.output_map, models[step.model_name].outputs()),
        )
        for own_name, tensor in names.items()
        if (spec := declared.get(own_name)) is not None
    }
    read = list(dict.fromkeys(t for step in fused for t in step.input_map.values() if t not in written))
    return FusionPlan(
        graph_name=graph_name,
        version=version,
        steps=tuple(
            GraphStep(
                name=step.model_name,
                path=_graph_path(models[step.model_name], step.model_version),
                inputs=dict(step.input_map),
                outputs=dict(step.output_map),
            )
            for step in fused
        ),
        outputs=tuple(published),
        kept=tuple(models[step.model_name] for step in kept),
        graph_config=_graph_config(graph_name, models[fused[0].model_name], read, published, specs),
        ensemble_config=_ensemble_config(ensemble, graph_name, version, kept, read, published),
    )


def _model_of(name: str, ensemble: Model, repository: Repository) -> Model:
    if name not in repository.models:
        raise CannotFuse(
            f"{ensemble.name} has a step {name}, but {repository.root} holds no readable model of that name"
        )
    return repository.models[name]


def _graph_path(model: Model, version: int) -> Path:
    versions = model.versions()
    chosen = version if version > 0 else max(versions, default=0)
    path = model.folder / str(chosen) / (model.file_name or "")
    if not path.is_file():
        raise CannotFuse(f"{path} does not exist: fetch the release's weights first")
    return path


def _in_order_of_reading(steps: list[Step]) -> list[Step]:
    """Each step behind those whose tensors it reads; Triton itself does not care."""
    waiting, ordered = list(steps), []
    while waiting:
        unwritten = {tensor for step in waiting for tensor in step.output_map.values()}
        ready = [step for step in waiting if not unwritten & set(step.input_map.values())]
        if not ready:
            raise CannotFuse(f"steps {', '.join(step.model_name for step in waiting)} read from each other in a circle")
        ordered += ready
        waiting = [step for step in waiting if step not in ready]
    return ordered


def _graph_config(
    name: str, first: Model, read: list[str], published: list[str], specs: dict[str, TensorSpec]
) -> ModelConfig:
    config = ModelConfig()
    config.CopyFrom(first.config)
    config.name = name
    del config.input[:], config.output[:]
    for tensors, names in ((config.input, read), (config.output, published)):
        for tensor_name in names:
            spec = specs[tensor_name]
            tensor = tensors.add(name=tensor_name, data_type=_data_type(spec))
            tensor.dims.extend(dims_within(spec, batched=first.batches))
    for warmup in config.model_warmup:
        for tensor_name in read:
            if tensor_name not in warmup.inputs:
                spec = specs[tensor_name]
                warmup.inputs[tensor_name].data_type = _data_type(spec)
                warmup.inputs[tensor_name].dims.extend(dims_within(spec, batched=first.batches))
                warmup.inputs[tensor_name].zero_data = True
    return config


def _data_type(spec: TensorSpec) -> int:
    value: int = model_config_pb2.DataType.Value(f"TYPE_{spec.data_type}")
    return value


def _ensemble_config(
    ensemble: Model, graph_name: str, version: int, kept: list[Step], read: list[str], published: list[str]
) -> ModelConfig:
    config = ModelConfig()
    config.CopyFrom(ensemble.config)
    config.name = f"{ensemble.name}_fused"
    del config.ensemble_scheduling.step[:]
    config.ensemble_scheduling.step.extend(kept)
    step = config.ensemble_scheduling.step.add(model_name=graph_name, model_version=version)
    step.input_map.update(dict(zip(read, read, strict=True)))
    step.output_map.update(dict(zip(published, published, strict=True)))
    return config
