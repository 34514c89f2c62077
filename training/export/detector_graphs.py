"""Backbone and heads as ONNX graphs for Triton."""

import json
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn
from torch.export import Dim

from training.atomic_file import write_atomically
from training.detector.backbone import STRIDES, Backbone
from training.detector.head import DetectionHead
from training.detector.served_head import ServedHead

OPSET = 19
FEATURE_NAMES = ("p3", "p4", "p5", "p6", "p7")
CANDIDATE_NAMES = ("locations", "distances", "scores", "class_ids")


def export_backbone(backbone: Backbone, path: Path, *, canvas: tuple[int, int] | None = None) -> None:
    """Write a backbone: `pixels` UINT8 [N, H, W, 3] to `p3`..`p7` FP32 [N, channels, H / stride, W / stride].

    Batch and canvas stay dynamic; height and width must be multiples of 32.

    Args:
        backbone: in whatever mode.
        path: of the graph.
        canvas: height and width, if the graph is to fit one image of this size only. It is written in a third of the
            time then; for measurements.
    """
    height, width = Dim("height_in_32px"), Dim("width_in_32px")
    _export(
        backbone,
        # Not the served canvas: a graph that only fits its example would then fail its parity test.
        (torch.zeros(1, *canvas, 3, dtype=torch.uint8) if canvas else torch.zeros(2, 192, 256, 3, dtype=torch.uint8),),
        path,
        input_names=("pixels",),
        output_names=FEATURE_NAMES,
        dynamic_shapes=None if canvas else {"pixels": {0: Dim("batch"), 1: 32 * height, 2: 32 * width}},
        metadata={},
    )


def export_head(
    head: DetectionHead[Any], taxonomy_ids: list[int], path: Path, *, canvas: tuple[int, int] | None = None
) -> None:
    """Write a head: `p3`..`p7` to its 1,000 candidates (see `Candidates`); metadata `class_ids` lists its classes.

    `canvas` as for `export_backbone`.
    """
    batch = Dim("batch")
    images, height, width = (1, *canvas) if canvas else (2, 320, 448)
    sizes = [(-(-height // stride), -(-width // stride)) for stride in STRIDES]
    _export(
        ServedHead(head, taxonomy_ids),
        tuple(torch.zeros(images, head.in_channels, h, w) for h, w in sizes),
        path,
        input_names=FEATURE_NAMES,
        output_names=CANDIDATE_NAMES,
        dynamic_shapes=None
        if canvas
        else {name: {0: batch, 2: Dim(f"{name}_h"), 3: Dim(f"{name}_w")} for name in FEATURE_NAMES},
        metadata={"class_ids": json.dumps(taxonomy_ids)},
    )


def _export(
    module: nn.Module,
    example: tuple[torch.Tensor, ...],
    path: Path,
    *,
    input_names: tuple[str, ...],
    output_names: tuple[str, ...],
    dynamic_shapes: dict[str, dict[int, object]] | None,
    metadata: dict[str, str],
) -> None:
    program = torch.onnx.export(
        module.eval(),
        example,
        dynamo=True,
        opset_version=OPSET,
        input_names=list(input_names),
        output_names=list(output_names),
        dynamic_shapes=dynamic_shapes,
        optimize=True,
        verbose=False,
    )
    assert program is not None  # only without dynamo
    model = program.model_proto
    _drop_traces(model)
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, model.SerializeToString())


def _drop_traces(model: onnx.ModelProto) -> None:
    """Remove the exporter's notes about this machine's source files: they differ for one and the same graph."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
