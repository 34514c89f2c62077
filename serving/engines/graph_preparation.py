"""The ONNX graph as TensorRT is to build it: which layers run in half precision is decided here, in the graph.

TensorRT 11 knows strongly typed networks only: a layer computes in the type that its graph says, and there is no FP16
switch any more. TensorRT 10 builds such networks too, so one way serves both, and the choice can be tested on a CPU.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from serving.engines.engine_spec import Precision
from serving.errors import EngineSettingsError

# The layers that half precision makes faster; whatever lies between two of them goes along.
HALF_PRECISION_ANCHORS = frozenset({"Conv", "ConvTranspose", "DeformConv"})

# Casts say their type themselves; indices and counts beyond 2048 are not exact in FP16.
ALWAYS_FULL_PRECISION = frozenset({"Cast", "Range", "TopK", "NonMaxSuppression"})

# Reads sizes, not values: a cast before it would be for nothing.
READS_ANY_TYPE = frozenset({"Shape"})

# Inputs, by position, whose type does not follow the data's: `scales` of Resize are always FP32.
FOLLOWS_DATA = {"Resize": (0,)}

# Activations which directly follow an anchor belong to it.
FOLLOWS_ANCHOR = frozenset({"Relu", "LeakyRelu", "Clip"})


def prepare_graph(onnx_path: Path, precision: Precision) -> bytes:
    """Read a graph and make it what TensorRT builds.

    Args:
        onnx_path: Graph with FP32 weights; inputs and outputs keep their types.
        precision: ``fp16``: convolutions, and what lies between them, in FP16. What comes after the last
            convolution (sigmoid, softmax, boxes, top-k: exponentials and coordinates) stays FP32.

    Returns:
        A serialized ONNX model.

    Raises:
        EngineSettingsError: The file is no ONNX model, or a weight is beyond FP16.
    """
    try:
        model = onnx.load(onnx_path)
    except Exception as error:  # protobuf and onnx raise several kinds
        raise EngineSettingsError(f"{onnx_path} is not an ONNX model: {error}") from error
    _name_nodes(model)
    cast_bytes_first(model)
    if precision == "fp16":
        convert_to_half(model, half_precision_nodes(model))
    return bytes(model.SerializeToString())


def half_precision_nodes(model: ModelProto) -> set[str]:
    """Names of the nodes that run in FP16: each anchor, and each node from which another anchor is reached.

    The first anchor's own input, pixels that are being normalised, stays FP32.
    """
    readers: dict[str, list[NodeProto]] = defaultdict(list)
    for node in model.graph.node:
        for name in node.input:
            readers[name].append(node)
    leads_to_anchor: set[str] = set()
    comes_from_anchor: set[str] = set()
    tensors_from_anchor: set[str] = set()
    for node in reversed(model.graph.node):  # graphs are in topological order
        if any(
            reader.op_type in HALF_PRECISION_ANCHORS or reader.name in leads_to_anchor
            for output in node.output
            for reader in readers[output]
        ):
            leads_to_anchor.add(node.name)
    for node in model.graph.node:
        if node.op_type in HALF_PRECISION_ANCHORS or tensors_from_anchor.intersection(node.input):
            comes_from_anchor.add(node.name)
            tensors_from_anchor.update(node.output)
    anchored_tensors = {
        output for node in model.graph.node if node.op_type in HALF_PRECISION_ANCHORS for output in node.output
    }
    return {
        node.name
        for node in model.graph.node
        if node.op_type in HALF_PRECISION_ANCHORS
        or (
            node.op_type not in ALWAYS_FULL_PRECISION
            and node.name in comes_from_anchor
            and (
                node.name in leads_to_anchor
                or (node.op_type in FOLLOWS_ANCHOR and anchored_tensors.intersection(node.input))
            )
        )
    }


def cast_bytes_first(model: ModelProto) -> None:
    """Make every UINT8 input FP32 before anything else reads it.

    TensorRT takes UINT8 at its border only: the layer behind must be a cast. Exporters put the move of channels
    first, since it is cheaper on bytes.
    """
    graph = model.graph
    for value in graph.input:
        if value.type.tensor_type.elem_type != TensorProto.UINT8:
            continue
        as_float = f"{value.name}_as_float"
        for node in graph.node:
            for position, name in enumerate(node.input):
                if name == value.name:
                    node.input[position] = as_float
        cast = helper.make_node("Cast", [value.name], [as_float], name=f"{value.name}_to_float", to=TensorProto.FLOAT)
        graph.node.insert(0, cast)
    # The types in between have changed; they are inferred again by whoever needs them.
    del graph.value_info[:]


def convert_to_half(model: ModelProto, names: set[str]) -> None:
    """Make the named nodes compute in FP16, with a cast wherever a tensor passes from them or to them.

    Args:
        model: Changed in place. Its inputs and outputs keep their types.
        names: Of the nodes.
    """
    graph = model.graph
    floats = _float_tensors(model)
    weights = {weight.name: weight for weight in graph.initializer}
    graph_outputs = {value.name for value in graph.output}
    half_made = {output for node in graph.node if node.name in names for output in node.output} & floats
    casts: dict[str, str] = {}
    nodes: list[NodeProto] = []

    def as_half(name: str) -> str:
        if name not in floats or name in half_made:
            return renamed.get(name, name)
        if name not in casts:
            casts[name] = f"{name}_half"
            if name in weights:
                values = numpy_helper.to_array(weights[name])
                graph.initializer.append(numpy_helper.from_array(_to_half(values, name), casts[name]))
            else:
                nodes.append(_cast(name, casts[name], TensorProto.FLOAT16))
        return casts[name]

    def as_float(name: str) -> str:
        if name not in half_made:
            return name
        if name not in casts:
            # An output of the graph keeps its name, for its type is the one that others rely on.
            casts[name] = name if name in graph_outputs else f"{name}_float"
            nodes.append(_cast(renamed.get(name, name), casts[name], TensorProto.FLOAT))
        return casts[name]

    renamed = {name: f"{name}_in_half" for name in half_made & graph_outputs}
    for node in graph.node:
        if node.name in names:
            positions = FOLLOWS_DATA.get(node.op_type, range(len(node.input)))
            for position in positions:
                node.input[position] = as_half(node.input[position])
            for position, name in enumerate(node.output):
                node.output[position] = renamed.get(name, name)
            nodes.append(node)
        else:
            for position, name in enumerate(node.input):
                reads_as_is = node.op_type in READS_ANY_TYPE
                node.input[position] = renamed.get(name, name) if reads_as_is else as_float(name)
            nodes.append(node)
    for name in sorted(half_made & graph_outputs):
        as_float(name)
    used = {name for node in nodes for name in node.input}
    kept = [weight for weight in graph.initializer if weight.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)


def _float_tensors(model: ModelProto) -> set[str]:
    """Names of all FP32 tensors, weights included."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    values = [*graph.input, *graph.value_info, *graph.output]
    return {value.name for value in values if value.type.tensor_type.elem_type == TensorProto.FLOAT} | {
        weight.name for weight in graph.initializer if weight.data_type == TensorProto.FLOAT
    }


def _to_half(values: NDArray[np.float32], name: str) -> NDArray[np.float16]:
    largest = float(np.abs(values).max(initial=0.0))
    if largest > float(np.finfo(np.float16).max):
        raise EngineSettingsError(
            f"weight {name} reaches {largest:g}, beyond FP16. Write engine_precision fp32 into the target config."
        )
    return values.astype(np.float16)


def _cast(source: str, target: str, data_type: int) -> NodeProto:
    return helper.make_node("Cast", [source], [target], name=f"{target}_cast", to=data_type)


def _name_nodes(model: ModelProto) -> None:
    for index, node in enumerate(model.graph.node):
        node.name = f"{index}_{node.name or node.op_type}"
