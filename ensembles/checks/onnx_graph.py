"""Inputs and outputs of each ONNX graph against its config."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from ensembles.checks.refusal import listed, refusal
from ensembles.model import Model
from ensembles.problem import Problem
from ensembles.repository import Repository
from ensembles.tensors import ANY_SIZE, TensorSpec

_TRITON_TYPES: dict[int, str] = {
    onnx.TensorProto.BOOL: "BOOL",
    onnx.TensorProto.UINT8: "UINT8",
    onnx.TensorProto.UINT16: "UINT16",
    onnx.TensorProto.UINT32: "UINT32",
    onnx.TensorProto.UINT64: "UINT64",
    onnx.TensorProto.INT8: "INT8",
    onnx.TensorProto.INT16: "INT16",
    onnx.TensorProto.INT32: "INT32",
    onnx.TensorProto.INT64: "INT64",
    onnx.TensorProto.FLOAT16: "FP16",
    onnx.TensorProto.FLOAT: "FP32",
    onnx.TensorProto.DOUBLE: "FP64",
    onnx.TensorProto.BFLOAT16: "BF16",
    onnx.TensorProto.STRING: "STRING",
}

# A plan is built from the graph beside it.
_BUILT_FROM = "model.onnx"


def check_onnx_graphs(repository: Repository) -> Iterator[Problem]:
    """Names, types and shapes in the graph equal the config's, in every served version."""
    for model, path in served_onnx_files(repository):
        try:
            graph = read_onnx(path).graph
        except DecodeError as error:
            yield refusal(
                model,
                "onnx-unreadable",
                file=path,
                expected="an ONNX model",
                received=str(error),
                advice="export it again; a Git LFS pointer is not the file itself",
            )
            continue
        weights = {weight.name for weight in graph.initializer}
        inputs = {value.name: value for value in graph.input if value.name not in weights}
        outputs = {value.name: value for value in graph.output}
        yield from _check_tensors(model, path, "input", inputs, model.inputs())
        yield from _check_tensors(model, path, "output", outputs, model.outputs())


def served_onnx_files(repository: Repository) -> Iterator[tuple[Model, Path]]:
    """Yield each model of ONNX Runtime, and each that TensorRT builds, with the graph of each served version."""
    for model in repository.models.values():
        file_name = _BUILT_FROM if model.file_is_built_on_target else model.file_name
        if model.backend in ("onnxruntime", "tensorrt") and file_name is not None:
            for version in model.served_versions():
                path = model.folder / str(version) / file_name
                if path.is_file():
                    yield model, path


def read_onnx(path: Path) -> onnx.ModelProto:
    """Read the graph without weights that lie in other files."""
    return onnx.load(path, load_external_data=False)


def _check_tensors(
    model: Model,
    path: Path,
    kind: str,
    in_graph: dict[str, onnx.ValueInfoProto],
    in_config: dict[str, TensorSpec],
) -> Iterator[Problem]:
    for name in sorted(in_graph.keys() ^ in_config.keys()):
        yield refusal(
            model,
            "onnx-name-mismatch",
            tensor=name,
            expected=f"the {kind}s of {path}: {listed(in_graph)}",
            received=f"{listed(in_config)} in the config",
            advice=f"make the config's {kind}s those of the graph, or export the graph with these names",
        )
    for name in in_graph.keys() & in_config.keys():
        yield from _check_tensor(model, path, in_graph[name], in_config[name])


def _check_tensor(model: Model, path: Path, value: onnx.ValueInfoProto, spec: TensorSpec) -> Iterator[Problem]:
    tensor_type = value.type.tensor_type
    data_type = _TRITON_TYPES.get(tensor_type.elem_type, "a type Triton does not have")
    if data_type != spec.data_type:
        yield refusal(
            model,
            "onnx-type-mismatch",
            tensor=value.name,
            expected=f"{data_type}, as {path} has it",
            received=spec.data_type,
            advice="correct data_type, or export the graph with this type",
        )
    if not tensor_type.HasField("shape"):
        return  # the exporter left the rank open: nothing to compare
    sizes = [size.dim_value if size.HasField("dim_value") else ANY_SIZE for size in tensor_type.shape.dim]
    if spec.batched and sizes[:1] != [ANY_SIZE]:
        yield refusal(
            model,
            "onnx-batch-fixed",
            tensor=value.name,
            expected=f"a dynamic first dimension, since max_batch_size is {model.config.max_batch_size}",
            received=f"{sizes} in {path}",
            advice="export with a dynamic batch dimension, or set max_batch_size: 0",
        )
    elif not _config_fits_graph(sizes, spec.full_dims):
        yield refusal(
            model,
            "onnx-shape-mismatch",
            tensor=value.name,
            expected=f"{sizes}, as {path} has it (-1: any size; the batch first, if the model batches)",
            received=str(list(spec.full_dims)),
            advice="correct dims, or export the graph with this shape",
        )


def _config_fits_graph(graph_sizes: list[int], config_sizes: tuple[int, ...]) -> bool:
    """Whether the config promises no other size than the graph's.

    As Triton's backend has it: where the graph is dynamic the config may be stricter, since exporters lose
    sizes that are in fact constant; where the graph is fixed the config must say the same size.
    """
    return len(graph_sizes) == len(config_sizes) and all(
        graph in (ANY_SIZE, config) for graph, config in zip(graph_sizes, config_sizes, strict=True)
    )
