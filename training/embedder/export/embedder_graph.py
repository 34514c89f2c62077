"""The graph of model `embedder`: photos and boxes in, hashes, embeddings and attributes out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import onnx
import torch
from onnx import checker, compose, helper, numpy_helper, parser
from torch import nn

from training.embedder.export.crop_graph import BODY, OUTER, SCATTERED

OPSET = 19
IR_VERSION = 9
"""The version of the file format that belongs to `OPSET`."""
ElementType = Literal["uint8", "int32", "float"]
_ELEMENT_TYPES: Mapping[int, ElementType] = {
    onnx.TensorProto.UINT8: "uint8",
    onnx.TensorProto.INT32: "int32",
    onnx.TensorProto.FLOAT: "float",
}
_PREFIX = "of_crop_"


@dataclass(frozen=True, slots=True)
class CropOutput:
    """One result of a crop."""

    name: str
    element_type: ElementType
    size: int
    """It is a vector."""


def build_embedder_graph(
    served: nn.Module, output_names: Sequence[str], *, crop_px: int, metadata: Mapping[str, str]
) -> onnx.ModelProto:
    """Author the graph.

    Inputs, B images and N boxes for each of them:
        `object_canvas` uint8 [B, Hc, Wc, 3]: RGB, the image in its top left corner.
        `canvas_to_image_objects` float32 [B, 2]: pixels of the upright original per pixel of the canvas, in x and y.
        `image_size` int32 [B, 2]: width, height of the upright original.
        `boxes` float32 [B, N, 4]: x1, y1, x2, y2 in pixels of the upright original.

    Outputs: those of `served`, each [B, N, ...]. A box is clipped to the image and stretched to a square. Rows without
    extent inside the image, or that are not finite, are 0.

    Args:
        served: a crop FP32 [1, crop_px, crop_px, 3] to vectors, in the order of `output_names`.
        output_names: of the graph.
        crop_px: side of a crop.
        metadata: of the graph.

    Returns:
        A checked model.
    """
    crop_graph = _exported(served, output_names, crop_px)
    outputs = [_crop_output(value) for value in crop_graph.output]
    loop_body = parser.parse_graph(BODY.substitute())
    _append(loop_body, crop_graph, {"crop": "crop"})
    _add_constants(
        loop_body,
        {
            "first": np.array([0], np.int64),
            "first_and_one": np.array([1], np.int64),
            "yx_of_start": np.array([1, 0], np.int64),
            "yx_of_end": np.array([3, 2], np.int64),
            "window_axes": np.array([0, 1, 2], np.int64),
            "crop_shape": np.array([1, crop_px, crop_px, 3], np.int64),
        },
    )

    graph = parser.parse_graph(
        OUTER.substitute(
            outputs=", ".join(f"{o.element_type}[batch, rows, {o.size}] {o.name}" for o in outputs),
            found=", ".join(f"{o.name}_of_boxes" for o in outputs),
            scattered="\n".join(SCATTERED.substitute(name=o.name, zero=f"{o.element_type}[1] {{0}}") for o in outputs),
        )
    )
    next(node for node in graph.node if node.op_type == "Loop").attribute.append(
        helper.make_attribute("body", loop_body)
    )
    _add_constants(
        graph,
        {
            "axis_0": np.array([0], np.int64),
            "axis_1": np.array([1], np.int64),
            "axis_2": np.array([2], np.int64),
            "zero": np.array(0, np.float32),
            "one": np.array(1, np.float32),
            "always": np.array(True),
            "largest_float": np.array(np.finfo(np.float32).max, np.float32),
            **{f"{o.name}_size": np.array([o.size], np.int64) for o in outputs},
        },
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="genod"
    )
    helper.set_model_props(model, dict(metadata))
    checker.check_model(model, full_check=True)
    return model


def attributes_json(labels_per_head: Mapping[str, Sequence[str]]) -> str:
    """Return what the ids of the attribute outputs mean: for each head the names of its labels, by position."""
    return json.dumps({head: list(labels) for head, labels in labels_per_head.items()}, ensure_ascii=False)


def _exported(served: nn.Module, output_names: Sequence[str], crop_px: int) -> onnx.GraphProto:
    program = torch.onnx.export(
        served.eval(),
        (torch.zeros(1, crop_px, crop_px, 3),),
        dynamo=True,
        opset_version=OPSET,
        input_names=["crop"],
        output_names=list(output_names),
        optimize=True,
        verbose=False,
    )
    assert program is not None  # only without dynamo
    model = program.model_proto
    assert not model.functions  # inlined by `optimize`
    graph = model.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        # The exporter's notes about this machine's source files: they differ for one and the same graph.
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return graph


def _crop_output(value: onnx.ValueInfoProto) -> CropOutput:
    tensor = value.type.tensor_type
    sizes = [dim.dim_value for dim in tensor.shape.dim]
    assert len(sizes) == 1  # a vector of a fixed size
    return CropOutput(value.name, _ELEMENT_TYPES[tensor.elem_type], sizes[0])


def _append(body: onnx.GraphProto, crop_graph: onnx.GraphProto, inputs: Mapping[str, str]) -> None:
    """Put a graph behind the nodes of the body: names of its own, its inputs from there, its outputs as the body's."""
    prefixed = compose.add_prefix_graph(crop_graph, _PREFIX)
    connected = {f"{_PREFIX}{theirs}": ours for theirs, ours in inputs.items()}
    for node in prefixed.node:
        for index, name in enumerate(node.input):
            node.input[index] = connected.get(name, name)
    body.node.extend(prefixed.node)
    body.initializer.extend(prefixed.initializer)
    body.output.extend(prefixed.output)


def _add_constants(graph: onnx.GraphProto, constants: Mapping[str, Any]) -> None:
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
