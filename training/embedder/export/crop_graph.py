"""The part of the embedder's graph that is written by hand: which rows are boxes, how a crop is cut, where results go.

What lies between a crop and its hash is exported from PyTorch and becomes a part of `BODY`, which runs once for each
row that holds a box. So a row without one costs nothing, memory does not grow with the number of boxes, and nothing
that ONNX Runtime does differently for another batch size can make a crop's hash depend on its neighbours.

Letters: B images of a request, N rows for each of them, M rows that hold a box, S the side of a crop.
"""

from string import Template

OUTER = Template("""
embedder (
  uint8[batch, canvas_height, canvas_width, 3] object_canvas,
  float[batch, 2] canvas_to_image_objects,
  int32[batch, 2] image_size,
  float[batch, rows, 4] boxes
) => ($outputs)
{
  # ---- 1. Boxes in pixels of the canvas, clipped to the image: what else is on the canvas is one colour.
  image_size_float = Cast <to = 1> (image_size)
  image_on_canvas = Div (image_size_float, canvas_to_image_objects)                    # [B, 2]
  whole_image_on_canvas = Round (image_on_canvas)
  limit_per_image = Concat <axis = 1> (whole_image_on_canvas, whole_image_on_canvas)   # [B, 4]
  limit = Unsqueeze (limit_per_image, axis_1)                                          # [B, 1, 4]
  factor_per_image = Concat <axis = 1> (canvas_to_image_objects, canvas_to_image_objects)
  factor = Unsqueeze (factor_per_image, axis_1)
  boxes_on_canvas = Div (boxes, factor)                                                # [B, N, 4]
  not_negative = Max (boxes_on_canvas, zero)
  clipped = Min (not_negative, limit)

  # ---- 2. Which rows hold a box: finite, and with an extent inside the image. NaN compares as false.
  magnitudes = Abs (boxes)
  side_is_finite = LessOrEqual (magnitudes, largest_float)
  side_is_finite_int = Cast <to = 6> (side_is_finite)
  is_finite = ReduceMin <keepdims = 0> (side_is_finite_int, axis_2)                    # [B, N]
  first_corners, last_corners = Split <axis = 2, num_outputs = 2> (clipped)            # [B, N, 2] each
  has_side = Greater (last_corners, first_corners)
  has_side_int = Cast <to = 6> (has_side)
  has_extent = ReduceMin <keepdims = 0> (has_side_int, axis_2)                         # [B, N]
  is_box = Mul (is_finite, has_extent)
  axis_and_box = NonZero (is_box)                                                      # [2, M]
  image_and_row = Transpose <perm = [1, 0]> (axis_and_box)                             # [M, 2]
  num_boxes_1d = Shape <start = 0, end = 1> (image_and_row)
  num_boxes = Squeeze (num_boxes_1d, axis_0)

  # ---- 3. To whole pixels, at least one: as PIL's `crop` rounds, and so as training cuts.
  box_corners = GatherND (clipped, image_and_row)                                      # [M, 4]
  images = Slice (image_and_row, axis_0, axis_1, axis_1)                               # [M, 1]
  box_limits = GatherND (limit_per_image, images)                                      # [M, 4]
  whole_corners = Round (box_corners)
  starts, ends = Split <axis = 1, num_outputs = 2> (whole_corners)                     # x, y: [M, 2] each
  image_ends, same_image_ends = Split <axis = 1, num_outputs = 2> (box_limits)
  last_pixels = Sub (image_ends, one)
  kept_starts = Min (starts, last_pixels)
  next_pixels = Add (kept_starts, one)
  kept_ends = Max (ends, next_pixels)
  windows_float = Concat <axis = 1> (kept_starts, kept_ends)
  windows = Cast <to = 7> (windows_float)                                              # [M, 4]

  # ---- 4. One crop after the other; see BODY, which is put in here.
  $found = Loop (num_boxes, always)

  # ---- 5. Results to their rows; the others are 0.
  rows_per_image = Shape <start = 0, end = 2> (boxes)                                  # [2]
  $scattered
}
""")
"""Without the attribute `body` of its Loop."""

SCATTERED = Template("""
  ${name}_shape = Concat <axis = 0> (rows_per_image, ${name}_size)
  ${name}_zeros = ConstantOfShape <value = $zero> (${name}_shape)
  $name = ScatterND (${name}_zeros, image_and_row, ${name}_of_boxes)                   # [B, N, ...]
""")

BODY = Template("""
crop_to_hash (int64 box, bool keep_going) => (bool keeps_going)
{
  keeps_going = Identity (keep_going)
  image_row_pair = Gather <axis = 0> (image_and_row, box)                              # [2]
  window = Gather <axis = 0> (windows, box)                                            # [4]
  image = Gather <axis = 0> (image_row_pair, first)                                    # [1]
  next_image = Add (image, first_and_one)
  x1y1 = Gather <axis = 0> (window, yx_of_start)                                       # y, x: [2]
  x2y2 = Gather <axis = 0> (window, yx_of_end)
  window_start = Concat <axis = 0> (image, x1y1)                                       # image, y, x: [3]
  window_end = Concat <axis = 0> (next_image, x2y2)
  cut = Slice (object_canvas, window_start, window_end, window_axes)                   # [1, h, w, 3]
  cut_pixels = Cast <to = 1> (cut)
  # The filter widens with the reduction, and ends at the crop's edges: as in PyTorch and PIL.
  crop = Resize <mode = "linear", antialias = 1, exclude_outside = 1,
    coordinate_transformation_mode = "half_pixel"> (cut_pixels, , , crop_shape)          # [1, S, S, 3]
}
""")
"""Its outer scope is OUTER; what follows the crop is appended to it."""
