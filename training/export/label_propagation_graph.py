"""The nodes of `label_propagation`, in ONNX's own text form.

Letters of the shapes: B = images, N = candidates of all heads, M = columns with a live candidate in any
image, C = categories, A = longest chain of a category and its ancestors, D = detections of the result.

Both suppressions get priorities in place of scores: whole numbers that fall strictly from the best candidate
to the worst. Equal scores thus never reach NonMaxSuppression, whose order among ties its specification leaves
open; and the priority 0 means "not a candidate", so that its score threshold is 0.

`label_propagation.py` fills in the heads and D, and adds the constants (every name that no node here writes).
"""

from string import Template

GRAPH = Template("""
label_propagation (
  $head_inputs,
  float[batch, 2] canvas_to_image,
  int32[batch, 2] image_size
) => (
  float[batch, $D, 4] boxes,
  float[batch, $D] scores,
  int32[batch, $D] class_ids,
  bool[batch, $D] is_propagated,
  int32[batch, 1] num_detections
)
{
  # ---- 1. Candidates of all heads, on the original image.
  candidate_locations = Concat <axis = 1> ($locations)                                       # [B, N, 2]
  candidate_distances = Concat <axis = 1> ($distances)                                       # [B, N, 4]
  candidate_scores = Concat <axis = 1> ($scores)                                             # [B, N]
  candidate_class_ids = Concat <axis = 1> ($class_ids)                                       # [B, N]

  to_left_top, to_right_bottom = Split <axis = 2, num_outputs = 2> (candidate_distances)
  canvas_left_top = Sub (candidate_locations, to_left_top)
  canvas_right_bottom = Add (candidate_locations, to_right_bottom)
  canvas_boxes = Concat <axis = 2> (canvas_left_top, canvas_right_bottom)                    # [B, N, 4]
  xyxy_factor = Concat <axis = 1> (canvas_to_image, canvas_to_image)
  xyxy_factor_per_image = Unsqueeze (xyxy_factor, axis_1)                                    # [B, 1, 4]
  unclipped_boxes = Mul (canvas_boxes, xyxy_factor_per_image)
  width_height = Cast <to = 1> (image_size)
  xyxy_limit = Concat <axis = 1> (width_height, width_height)
  xyxy_limit_per_image = Unsqueeze (xyxy_limit, axis_1)                                      # [B, 1, 4]
  non_negative_boxes = Max (unclipped_boxes, zero)
  candidate_boxes = Min (non_negative_boxes, xyxy_limit_per_image)                           # [B, N, 4]

  bounded_from_below = Max (candidate_class_ids, no_category_id)
  bounded_class_ids = Min (bounded_from_below, too_large_id)
  # Every head has a table of its own, since a class that a newer head has taken over is unknown in the older's.
  table_entries = Add (bounded_class_ids, first_entry_of_column)
  candidate_rows = Gather <axis = 0> (row_of_head_and_id, table_entries)                     # [B, N]

  # Comparisons with NaN are false, so that each of these says "no" to it.
  absolute_boxes = Abs (unclipped_boxes)
  coordinate_is_finite = LessOrEqual (absolute_boxes, largest_float)                         # [B, N, 4]
  left_top, right_bottom = Split <axis = 2, num_outputs = 2> (candidate_boxes)
  has_extent = Greater (right_bottom, left_top)                                              # [B, N, 2]
  box_conditions = Concat <axis = 2> (coordinate_is_finite, has_extent)                      # [B, N, 6]
  box_conditions_as_float = Cast <to = 1> (box_conditions)
  all_box_conditions = ReduceMin <keepdims = 0> (box_conditions_as_float, axis_2)
  box_shows_something = Greater (all_box_conditions, zero)                                   # [B, N]
  scores_above_threshold = Greater (candidate_scores, score_threshold)
  score_is_finite = LessOrEqual (candidate_scores, largest_float)
  score_counts = And (scores_above_threshold, score_is_finite)
  class_is_known = GreaterOrEqual (candidate_rows, first_row)
  score_and_class_count = And (score_counts, class_is_known)
  is_live = And (score_and_class_count, box_shows_something)                                 # [B, N]

  # ---- 2. Suppress per class, keep the best D.
  # Best first; among equal scores TopK puts the lower index first. Dead candidates score 0 and come last, so
  # that the few columns with a live candidate can be cut off the many without one: the class-wise priorities
  # below are [B, C, M], and M is a tenth of N on most photos. The first column stays even if nothing is live.
  # TensorRT's TopK stops at 3,840 elements: with more than three heads of 1,000 stay on ONNX Runtime.
  live_scores = Where (is_live, candidate_scores, zero)
  ranked_scores, candidate_of_rank = TopK <axis = 1> (live_scores, all_candidates)           # [B, N]
  ranked_is_live = Greater (ranked_scores, zero)
  ranked_is_live_as_float = Cast <to = 1> (ranked_is_live)
  column_is_live = ReduceMax <keepdims = 0> (ranked_is_live_as_float, axis_0)
  column_is_needed = Max (column_is_live, one_at_first_column)                               # [N]
  needed_columns_2d = NonZero (column_is_needed)
  columns = Squeeze (needed_columns_2d, axis_0)                                              # [M]

  column_candidates = Gather <axis = 1> (candidate_of_rank, columns)                         # [B, M]
  column_is_candidate = Gather <axis = 1> (ranked_is_live, columns)                          # [B, M]
  column_priorities = Gather <axis = 0> (rank_priorities, columns)                           # [M]
  column_priorities_per_image = Where (column_is_candidate, column_priorities, zero)         # [B, M]
  column_candidates_nd = Unsqueeze (column_candidates, axis_2)
  column_boxes = GatherND <batch_dims = 1> (candidate_boxes, column_candidates_nd)           # [B, M, 4]
  column_rows_or_none = GatherElements <axis = 1> (candidate_rows, column_candidates)
  column_rows = Max (column_rows_or_none, first_row)                                         # [B, M]

  num_images = Shape <start = 0, end = 1> (candidate_scores)
  num_columns = Shape (columns)
  categories_by_columns = Concat <axis = 0> (num_images, num_categories, num_columns)
  no_priorities = ConstantOfShape (categories_by_columns)                                    # [B, C, M]
  column_rows_3d = Unsqueeze (column_rows, axis_1)
  column_priorities_3d = Unsqueeze (column_priorities_per_image, axis_1)
  native_priorities = ScatterElements <axis = 1> (no_priorities, column_rows_3d, column_priorities_3d)
  # The best D of all classes are among the best D of each class, so that a class never needs more.
  native_selected = NonMaxSuppression (column_boxes, native_priorities, max_detections, iou_threshold, zero)

  image_and_rank = Gather <axis = 1> (native_selected, image_and_box)                        # [selected, 2]
  num_native_selected = Shape <start = 0, end = 1> (native_selected)
  native_ones = ConstantOfShape <value = float[1] {1}> (num_native_selected)
  candidates_shape = Shape (candidate_scores)
  nothing_kept = ConstantOfShape (candidates_shape)
  rank_is_kept = ScatterND (nothing_kept, image_and_rank, native_ones)                       # [B, N]
  kept_priorities = Mul (rank_is_kept, rank_priorities)
  detection_priorities_or_0, detection_ranks = TopK <axis = 1> (kept_priorities, max_detections_1d)  # [B, D]

  is_detection = Greater (detection_priorities_or_0, zero)                                   # [B, D]
  detection_candidates = GatherElements <axis = 1> (candidate_of_rank, detection_ranks)
  detection_candidates_nd = Unsqueeze (detection_candidates, axis_2)
  detection_boxes = GatherND <batch_dims = 1> (candidate_boxes, detection_candidates_nd)     # [B, D, 4]
  detection_scores = GatherElements <axis = 1> (live_scores, detection_candidates)           # [B, D]
  detection_rows_or_none = GatherElements <axis = 1> (candidate_rows, detection_candidates)
  detection_rows = Max (detection_rows_or_none, first_row)                                   # [B, D]

  # ---- 3. Copy each detection to all its ancestors.
  chains = Gather <axis = 0> (chain_of_row, detection_rows)                                  # [B, D, A]
  chains_filled = Gather <axis = 0> (chain_is_filled, detection_rows)                        # [B, D, A]
  chains_by_level = Transpose <perm = [0, 2, 1]> (chains)                                    # [B, A, D]
  priorities = Where (is_detection, detection_priorities, zero)                              # [B, D]
  priorities_3d = Unsqueeze (priorities, axis_1)
  chains_by_level_shape = Shape (chains_by_level)
  copied_priorities = Expand (priorities_3d, chains_by_level_shape)                          # [B, A, D]
  categories_by_detections = Concat <axis = 0> (num_images, num_categories, max_detections_1d)
  nothing_propagated = ConstantOfShape (categories_by_detections)                            # [B, C, D]
  # Where a chain is filled up, the category itself is written once more, with the same priority.
  all_priorities = ScatterElements <axis = 1> (nothing_propagated, chains_by_level, copied_priorities)

  # ---- 4. Suppress per class again, keep the best D.
  selected = NonMaxSuppression (detection_boxes, all_priorities, max_detections, iou_threshold, zero)
  num_selected = Shape <start = 0, end = 1> (selected)
  ones = ConstantOfShape <value = float[1] {1}> (num_selected)
  survives = ScatterND (nothing_propagated, selected, ones)                                  # [B, C, D]
  chain_survives_by_level = GatherElements <axis = 1> (survives, chains_by_level)            # [B, A, D]
  chain_survives = Transpose <perm = [0, 2, 1]> (chain_survives_by_level)                    # [B, D, A]
  chain_survives_once = Mul (chain_survives, chains_filled)
  # Detections are in order of score and chains run from specific to general: this is the order of the result.
  label_survives = Reshape (chain_survives_once, images_by_labels)                           # [B, D * A]
  label_priorities_or_0 = Mul (label_survives, label_priorities)
  row_priorities, row_labels = TopK <axis = 1> (label_priorities_or_0, max_detections_1d)    # [B, D]

  is_used = Greater (row_priorities, zero)                                                   # [B, D]
  row_detections = Div (row_labels, chain_length)
  row_first_labels = Mul (row_detections, chain_length)
  row_levels = Sub (row_labels, row_first_labels)
  label_is_ancestor = Greater (row_levels, own_level)
  is_propagated = And (is_used, label_is_ancestor)

  row_detections_nd = Unsqueeze (row_detections, axis_2)
  row_boxes = GatherND <batch_dims = 1> (detection_boxes, row_detections_nd)
  is_used_3d = Unsqueeze (is_used, axis_2)
  boxes = Where (is_used_3d, row_boxes, zero)

  row_scores = GatherElements <axis = 1> (detection_scores, row_detections)
  scores = Where (is_used, row_scores, zero)

  labels = Reshape (chains, images_by_labels)                                                # [B, D * A]
  row_categories = GatherElements <axis = 1> (labels, row_labels)
  row_class_ids = Gather <axis = 0> (id_of_row, row_categories)
  class_ids = Where (is_used, row_class_ids, no_category_id)

  is_used_as_int = Cast <to = 6> (is_used)
  num_detections = ReduceSum <keepdims = 1> (is_used_as_int, axis_1)
}
""")
