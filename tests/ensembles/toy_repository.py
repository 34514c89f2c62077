"""A tiny repository in the shape of the real one, right in every point; tests break one point at a time.

image -> preprocess -> backbone -> head_a and head_b -> label_propagation -> scores, class_ids
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper
from tritonclient.grpc.model_config_pb2 import ModelConfig

from ensembles.config_file import format_config, read_config
from ensembles.graph import Ensemble, Step
from ensembles.render_command import render_all

TOY = Ensemble(
    name="toy",
    max_batch_size=8,
    inputs=("image",),
    outputs=("scores", "class_ids", "image_size"),
    steps=(
        Step("preprocess"),
        Step("backbone"),
        Step("head_a", output_prefix="head_a_"),
        Step("head_b", output_prefix="head_b_"),
        Step("label_propagation"),
    ),
    taxonomy_model="label_propagation",
)

TAXONOMY = [
    {"id": 1, "name": "cat", "parents": [9]},
    {"id": 2, "name": "Kuhn's dog", "parents": [9, 8]},
    {"id": 8, "name": "friend", "parents": []},
    {"id": 9, "name": "Säuger", "parents": []},
]

_PREPROCESS = """
name: "preprocess"
backend: "python"
max_batch_size: 8
input [ { name: "image" data_type: TYPE_STRING dims: [ 1 ] } ]
output [
  { name: "pixels" data_type: TYPE_UINT8 dims: [ -1, -1, 3 ] },
  { name: "image_size" data_type: TYPE_INT32 dims: [ 2 ] }
]
instance_group [ { kind: KIND_CPU count: 1 } ]
"""
_BACKBONE = """
name: "backbone"
backend: "onnxruntime"
max_batch_size: 8
input [ { name: "pixels" data_type: TYPE_UINT8 dims: [ -1, -1, 3 ] } ]
output [ { name: "p3" data_type: TYPE_FP32 dims: [ 3, -1, -1 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
dynamic_batching { default_queue_policy { max_queue_size: 64 } }
model_warmup [
  {
    name: "one" batch_size: 1
    inputs { key: "pixels" value: { data_type: TYPE_UINT8 dims: [ 8, 16, 3 ] zero_data: true } }
  },
  {
    name: "max" batch_size: 8
    inputs { key: "pixels" value: { data_type: TYPE_UINT8 dims: [ 8, 16, 3 ] zero_data: true } }
  }
]
"""
_HEAD = """
name: "NAME"
backend: "onnxruntime"
max_batch_size: 8
input [ { name: "p3" data_type: TYPE_FP32 dims: [ 3, -1, -1 ] } ]
output [
  { name: "scores" data_type: TYPE_FP32 dims: [ 3 ] },
  { name: "class_ids" data_type: TYPE_INT32 dims: [ 3 ] }
]
instance_group [ { kind: KIND_CPU count: 1 } ]
dynamic_batching { }
model_warmup [
  {
    name: "one" batch_size: 1
    inputs { key: "p3" value: { data_type: TYPE_FP32 dims: [ 3, 8, 16 ] zero_data: true } }
  },
  {
    name: "max" batch_size: 8
    inputs { key: "p3" value: { data_type: TYPE_FP32 dims: [ 3, 8, 16 ] zero_data: true } }
  }
]
"""
_LABEL_PROPAGATION = """
name: "label_propagation"
backend: "onnxruntime"
max_batch_size: 16
input [
  { name: "head_a_scores" data_type: TYPE_FP32 dims: [ 3 ] },
  { name: "head_a_class_ids" data_type: TYPE_INT32 dims: [ 3 ] },
  { name: "head_b_scores" data_type: TYPE_FP32 dims: [ 3 ] },
  { name: "head_b_class_ids" data_type: TYPE_INT32 dims: [ 3 ] },
  { name: "image_size" data_type: TYPE_INT32 dims: [ 2 ] }
]
output [
  { name: "scores" data_type: TYPE_FP32 dims: [ 6 ] },
  { name: "class_ids" data_type: TYPE_INT32 dims: [ 6 ] }
]
instance_group [ { kind: KIND_CPU count: 1 } ]
"""

Tensor = tuple[str, int, Sequence[int | str]]


def write_toy_repository(root: Path) -> Path:
    """Write the whole toy, the rendered ensemble included."""
    _write_model(root, "preprocess", _PREPROCESS)
    (root / "preprocess" / "1" / "model.py").write_text("class TritonPythonModel:\n    pass\n")
    _write_model(root, "backbone", _BACKBONE)
    write_onnx(
        root / "backbone" / "1" / "model.onnx",
        [("pixels", TensorProto.UINT8, ["batch", "height", "width", 3])],
        [("p3", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
    )
    for head, class_ids in (("head_a", [1]), ("head_b", [2])):
        _write_model(root, head, _HEAD.replace("NAME", head))
        write_head(root, head, class_ids)
    _write_model(root, "label_propagation", _LABEL_PROPAGATION)
    write_onnx(
        root / "label_propagation" / "1" / "model.onnx",
        [
            ("head_a_scores", TensorProto.FLOAT, ["batch", 3]),
            ("head_a_class_ids", TensorProto.INT32, ["batch", 3]),
            ("head_b_scores", TensorProto.FLOAT, ["batch", 3]),
            ("head_b_class_ids", TensorProto.INT32, ["batch", 3]),
            ("image_size", TensorProto.INT32, ["batch", 2]),
        ],
        [("scores", TensorProto.FLOAT, ["batch", 6]), ("class_ids", TensorProto.INT32, ["batch", "rows"])],
    )
    write_taxonomy(root, TAXONOMY)
    render_all(root, [TOY])
    return root


def write_onnx(path: Path, inputs: Sequence[Tensor], outputs: Sequence[Tensor], **metadata: str) -> None:
    """Write a graph that has these inputs and outputs and no nodes: only headers are ever read."""
    graph = helper.make_graph(
        [],
        "toy",
        [helper.make_tensor_value_info(*tensor) for tensor in inputs],
        [helper.make_tensor_value_info(*tensor) for tensor in outputs],
    )
    model = helper.make_model(graph)
    helper.set_model_props(model, metadata)
    onnx.save(model, path)


def write_head(root: Path, head: str, class_ids: object) -> None:
    """Write a head's graph with its classes."""
    write_onnx(
        root / head / "1" / "model.onnx",
        [("p3", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
        [("scores", TensorProto.FLOAT, ["batch", 3]), ("class_ids", TensorProto.INT32, ["batch", 3])],
        class_ids=json.dumps(class_ids),
    )


def write_taxonomy(root: Path, taxonomy: object) -> None:
    """Write the taxonomy beside label propagation."""
    (root / "label_propagation" / "1" / "taxonomy.json").write_text(json.dumps(taxonomy))


def edit(root: Path, model: str, old: str, new: str) -> None:
    """Replace `old`, which must stand there, in a model's config."""
    path = root / model / "config.pbtxt"
    text = path.read_text()
    assert old in text, f"{old!r} is not in {path}: the test would break nothing"
    path.write_text(text.replace(old, new))


def rewire(root: Path, change: Callable[[ModelConfig], object]) -> None:
    """Change the committed ensemble, as someone would who edits the rendered file."""
    path = root / TOY.name / "config.pbtxt"
    config = read_config(path, TOY.name)
    change(config)
    path.write_text(format_config(config))


def step(config: ModelConfig, model: str) -> Any:
    """The step of a model."""
    return next(step for step in config.ensemble_scheduling.step if step.model_name == model)


def _write_model(root: Path, name: str, config: str) -> None:
    (root / name / "1").mkdir(parents=True)
    (root / name / "config.pbtxt").write_text(config.lstrip())
