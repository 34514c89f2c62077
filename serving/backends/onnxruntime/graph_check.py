"""Refuse to load a model whose ONNX graph and ``config.pbtxt`` describe different tensors.

The config is the truth: nothing is completed from the graph, so a difference is an error that lists every
tensor which differs, and not a surprise at the first request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tensor_types import ONNX_NAME_BY_TRITON_NAME, TRITON_NAME_BY_ONNX_NAME

VARIABLE = -1


class GraphTensor(Protocol):
    """What ``InferenceSession.get_inputs()`` and ``get_outputs()`` tell about one tensor."""

    name: str
    type: str
    shape: Sequence[int | str | None]


def check_graph_matches_config(
    config: Mapping[str, Any], graph_inputs: Sequence[GraphTensor], graph_outputs: Sequence[GraphTensor]
) -> None:
    """Compare names, types, ranks and fixed sizes of all tensors.

    Args:
        config: The model's config as Triton hands it over (JSON form).
        graph_inputs: Inputs of the ONNX graph.
        graph_outputs: Outputs of the ONNX graph.

    Raises:
        ValueError: Something differs; the message has one line for every difference.
    """
    is_batched = int(config["max_batch_size"]) > 0
    differences = [
        *_differences("input", config["input"], graph_inputs, is_batched=is_batched),
        *_differences("output", config["output"], graph_outputs, is_batched=is_batched),
    ]
    if differences:
        lines = "\n".join(f"  - {difference}" for difference in differences)
        raise ValueError(
            f"config.pbtxt and the ONNX graph of model '{config['name']}' differ:\n{lines}\n"
            "Correct config.pbtxt, or export the graph again."
        )


def _differences(
    role: str,
    config_tensors: Sequence[Mapping[str, Any]],
    graph_tensors: Sequence[GraphTensor],
    *,
    is_batched: bool,
) -> list[str]:
    graph_tensor_by_name = {tensor.name: tensor for tensor in graph_tensors}
    config_names = [str(tensor["name"]) for tensor in config_tensors]
    differences = [
        f"{role} '{name}' of the graph is missing from config.pbtxt"
        for name in graph_tensor_by_name
        if name not in config_names
    ]
    for tensor in config_tensors:
        name = str(tensor["name"])
        if name in graph_tensor_by_name:
            differences += _tensor_differences(role, tensor, graph_tensor_by_name[name], is_batched=is_batched)
        else:
            allowed = ", ".join(f"'{allowed}'" for allowed in graph_tensor_by_name)
            differences.append(f"{role} '{name}' of config.pbtxt is not in the graph, which has {allowed}")
    return differences


def _tensor_differences(
    role: str, config_tensor: Mapping[str, Any], graph_tensor: GraphTensor, *, is_batched: bool
) -> list[str]:
    label = f"{role} '{graph_tensor.name}'"
    if config_tensor.get("reshape"):
        return [f"{label} has a reshape, which this backend does not do: give the graph's own dims"]

    differences = []
    config_type = str(config_tensor["data_type"])
    graph_type = TRITON_NAME_BY_ONNX_NAME.get(graph_tensor.type, graph_tensor.type)
    if config_type not in ONNX_NAME_BY_TRITON_NAME:
        allowed = ", ".join(ONNX_NAME_BY_TRITON_NAME)
        differences.append(f"{label} is {config_type} in config.pbtxt; this backend serves {allowed}")
    elif config_type != graph_type:
        differences.append(f"{label} is {config_type} in config.pbtxt and {graph_type} in the graph")

    config_dims = [int(dim) for dim in config_tensor["dims"]]
    config_shape = [VARIABLE, *config_dims] if is_batched else config_dims
    # ONNX Runtime shows a tensor of unknown rank as [], which it also shows for a scalar; a config has no
    # scalars.
    graph_shape = [dim if isinstance(dim, int) and dim >= 0 else VARIABLE for dim in graph_tensor.shape]
    if not graph_shape:
        return differences
    if len(config_shape) != len(graph_shape):
        batch_note = ", its batch dimension included" if is_batched else ""
        differences.append(
            f"{label} has {len(config_shape)} dimensions in config.pbtxt{batch_note} {config_shape}"
            f" and {len(graph_shape)} in the graph {list(graph_tensor.shape)}"
        )
    elif is_batched and graph_shape[0] != VARIABLE:
        differences.append(
            f"{label} has the fixed batch size {graph_shape[0]} in the graph {list(graph_tensor.shape)}:"
            " export it with a dynamic first dimension, or set max_batch_size: 0"
        )
    elif any(
        VARIABLE not in (ours, theirs) and ours != theirs
        for ours, theirs in zip(config_shape, graph_shape, strict=True)
    ):
        differences.append(f"{label} is {config_shape} in config.pbtxt and {list(graph_tensor.shape)} in the graph")
    return differences
