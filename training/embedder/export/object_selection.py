"""The `object_selection` model: detections in, the objects worth a look of their own out.

    python -m training export object-selection

Written by hand, since it learns nothing: the best rows that are no copy of another row under a more general label.

It also hands on what it reads, and the objects' boxes twice. Tritonserver 2.51 skips the steps behind which no output
is asked for, but takes a tensor that is both an output of the ensemble and the input of a step for unused when the
caller does not ask for it, and refuses the request (docs/TRITON_NOTES.md). So in an ensemble around this model, what is
published is read by nobody.
"""

from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import onnx
from onnx import checker, helper, numpy_helper, parser

from training.atomic_file import write_atomically

NUM_OBJECTS = 16
OPSET = 19
IR_VERSION = 9
"""The version of the file format that belongs to `OPSET`."""

_GRAPH = Template("""
object_selection (
  float[batch, rows, 4] boxes,
  float[batch, rows] scores,
  int32[batch, rows] class_ids,
  bool[batch, rows] is_propagated,
  int32[batch, 1] num_detections,
  int32[batch, 2] image_size
) => (
  float[batch, $K, 4] object_boxes,
  int32[batch, $K] object_class_ids,
  float[batch, $K] object_scores,
  int32[batch, 1] num_objects,
  float[batch, $K, 4] boxes_to_embed,
  float[batch, rows, 4] detected_boxes,
  float[batch, rows] detected_scores,
  int32[batch, rows] detected_class_ids,
  bool[batch, rows] detected_is_propagated,
  int32[batch, 1] detected_count,
  int32[batch, 2] upright_size
)
{
  detected_boxes = Identity (boxes)
  detected_scores = Identity (scores)
  detected_class_ids = Identity (class_ids)
  detected_is_propagated = Identity (is_propagated)
  detected_count = Identity (num_detections)
  upright_size = Identity (image_size)

  # Rows come best first: an object's priority is how many rows stand at or behind it, 0 without an object.
  num_rows_1d = Shape <start = 1, end = 2> (scores)
  num_rows_int64 = Squeeze (num_rows_1d, axis_0)
  num_rows = Cast <to = 6> (num_rows_int64)
  row = Range (first_row, num_rows, one_row)                                # [R]
  is_used = Less (row, num_detections)                                      # [B, R]
  is_native = Not (is_propagated)
  is_object = And (is_used, is_native)
  rows_left = Sub (num_rows, row)
  rows_left_float = Cast <to = 1> (rows_left)
  priorities = Where (is_object, rows_left_float, zero)                     # [B, R]
  best_priorities, best_rows = TopK <axis = 1> (priorities, max_objects)    # [B, K]
  is_chosen = Greater (best_priorities, zero)

  best_rows_nd = Unsqueeze (best_rows, axis_2)
  best_boxes = GatherND <batch_dims = 1> (boxes, best_rows_nd)              # [B, K, 4]
  is_chosen_nd = Unsqueeze (is_chosen, axis_2)
  object_boxes = Where (is_chosen_nd, best_boxes, zero)
  boxes_to_embed = Identity (object_boxes)
  best_class_ids = GatherElements <axis = 1> (class_ids, best_rows)
  object_class_ids = Where (is_chosen, best_class_ids, no_class_id)
  best_scores = GatherElements <axis = 1> (scores, best_rows)
  object_scores = Where (is_chosen, best_scores, zero)
  is_chosen_int = Cast <to = 6> (is_chosen)
  num_objects = ReduceSum <keepdims = 1> (is_chosen_int, axis_1)
}
""")


def build_object_selection() -> onnx.ModelProto:
    """Author the graph.

    Inputs, B images in a batch, are the outputs of label propagation: `boxes` float32 [B, R, 4], `scores` float32
    [B, R], `class_ids` int32 [B, R], `is_propagated` bool [B, R], `num_detections` int32 [B, 1], R at least 16; and
    `image_size` int32 [B, 2].

    Outputs, best first, rows past the count 0: `object_boxes` float32 [B, 16, 4], `object_class_ids` int32 [B, 16],
    `object_scores` float32 [B, 16], `num_objects` int32 [B, 1]; `boxes_to_embed`, which is `object_boxes` again; and
    the inputs under other names: `detected_boxes`, `detected_scores`, `detected_class_ids`, `detected_is_propagated`,
    `detected_count`, `upright_size`.

    Returns:
        A checked model.
    """
    graph = parser.parse_graph(_GRAPH.substitute(K=NUM_OBJECTS))
    constants: dict[str, np.ndarray[Any, Any]] = {
        "axis_0": np.array([0], np.int64),
        "axis_1": np.array([1], np.int64),
        "axis_2": np.array([2], np.int64),
        "zero": np.array(0, np.float32),
        "first_row": np.array(0, np.int32),
        "one_row": np.array(1, np.int32),
        "no_class_id": np.array(0, np.int32),
        "max_objects": np.array([NUM_OBJECTS], np.int64),
    }
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="genod"
    )
    checker.check_model(model, full_check=True)
    return model


def export_object_selection(folder: Path) -> None:
    """Write `model.onnx` in one step.

    Args:
        folder: the version folder in the model repository; made if it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "model.onnx", build_object_selection().SerializeToString(deterministic=True))
