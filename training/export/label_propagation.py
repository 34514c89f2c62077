"""The `label_propagation` model: candidates of all heads in, labelled boxes on the original image out.

    export_label_propagation(Path("model_repository/label_propagation/1"), load_taxonomy(), ["head_generic"])

What it computes is section 5.2.2 of the GenOD paper ("propagate the bounding boxes and scores of the
fine-grained categories to their ancestors") between two class-wise greedy non-maximum suppressions:

1. Decode the candidates of all heads to boxes on the original image. Drop those whose score is not above the
   threshold, and those that show nothing: no extent inside the image, a number that is not finite, a class
   that is not in the taxonomy, or one that another head has taken over.
2. Suppress per class; keep the best `max_detections`. Ties go to the candidate that comes first.
3. Copy each detection, with its score, to every ancestor of its class, once however many paths lead there.
4. Suppress per class again, natives and copies alike; keep the best `max_detections`. Ties go to the better
   detection of step 2, then to the more specific class.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import checker, helper, numpy_helper, parser

from training.atomic_file import write_atomically
from training.export.label_propagation_graph import GRAPH
from training.export.taxonomy_tables import TaxonomyTables
from training.taxonomy import Taxonomy, taxonomy_json, write_taxonomy_json


@dataclass(frozen=True, kw_only=True)
class PropagationSettings:
    """The numbers that the result depends on."""

    score_threshold: float = 0.05
    """A candidate must score above it; 0 or more."""

    iou_threshold: float = 0.6
    """A box is suppressed by a better one of its class when their intersection over union is above it."""

    max_detections: int = 300
    """Rows of the result, and detections that are copied to their ancestors."""

    candidates_per_head: int = 1000
    """Rows that every head gives for every image."""

    def __post_init__(self) -> None:
        """Refuses numbers that the graph cannot mean."""
        if not 0 <= self.score_threshold < 1:
            raise ValueError(f"score_threshold must be in [0, 1), got {self.score_threshold}")
        if not 0 <= self.iou_threshold <= 1:
            raise ValueError(f"iou_threshold must be in [0, 1], got {self.iou_threshold}")
        if not 1 <= self.max_detections <= self.candidates_per_head:
            raise ValueError(
                f"max_detections must be between 1 and candidates_per_head ({self.candidates_per_head}), "
                f"got {self.max_detections}"
            )


DEFAULT_SETTINGS = PropagationSettings()

OPSET = 19
"""Read by ONNX Runtime 1.15 and later and by TensorRT 10."""

IR_VERSION = 9
"""The version of the file format that belongs to `OPSET`."""


def build_label_propagation(
    taxonomy: Taxonomy,
    head_names: Sequence[str],
    settings: PropagationSettings = DEFAULT_SETTINGS,
    *,
    taken_over: Mapping[str, Collection[int]] = MappingProxyType({}),
) -> onnx.ModelProto:
    """Author the graph.

    Inputs, B images in a batch, for every head `h` in the order given:
        `<h>_locations` float32 [B, K, 2]: x, y in canvas pixels.
        `<h>_distances` float32 [B, K, 4]: from the location to left, top, right, bottom, canvas pixels.
        `<h>_scores` float32 [B, K].
        `<h>_class_ids` int32 [B, K]: ids of the taxonomy.
    and once:
        `canvas_to_image` float32 [B, 2]: pixels of the original image per pixel of the canvas, in x and y.
        `image_size` int32 [B, 2]: width, height of the original image.

    Outputs, D = `settings.max_detections`:
        `boxes` float32 [B, D, 4]: x1, y1, x2, y2, pixels of the original image.
        `scores` float32 [B, D]: descending.
        `class_ids` int32 [B, D]: ids of the taxonomy.
        `is_propagated` bool [B, D]: the class was copied up from a descendant.
        `num_detections` int32 [B, 1]: rows that are used; the rest are 0 and False.

    Args:
        taxonomy: the categories, not none.
        head_names: one name per head; letters, digits and `_`.
        settings: the numbers that the result depends on.
        taken_over: for a head, the ids of its classes that another answers for; its candidates of them are dropped.

    Returns:
        A checked model. Its metadata: the settings, the heads, what is taken over, the sha256 of `taxonomy.json`.

    Raises:
        ValueError: no head, a name twice or one that cannot name a tensor, an empty taxonomy, or `taken_over` names a
            head or an id that does not exist.
    """
    _check_head_names(head_names)
    _check_taken_over(taken_over, head_names, taxonomy)
    if len(taxonomy) == 0:
        raise ValueError("the taxonomy has no category: there is nothing that a detection could be labelled as")

    tables = TaxonomyTables.of(taxonomy)
    graph = parser.parse_graph(_graph_text(head_names, settings))
    for name, value in _constants(tables, head_names, settings, taken_over).items():
        graph.initializer.append(numpy_helper.from_array(value, name))
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="genod"
    )
    helper.set_model_props(model, _metadata(taxonomy, head_names, settings, taken_over))
    checker.check_model(model, full_check=True)
    return model


def export_label_propagation(
    folder: Path,
    taxonomy: Taxonomy,
    head_names: Sequence[str],
    settings: PropagationSettings = DEFAULT_SETTINGS,
    *,
    taken_over: Mapping[str, Collection[int]] = MappingProxyType({}),
) -> None:
    """Write `model.onnx` and `taxonomy.json`, each in one step.

    Args:
        folder: the version folder in the model repository; made if it is missing.
        taxonomy: the categories.
        head_names: names of the heads in the order of the graph's inputs.
        settings: the numbers that the result depends on.
        taken_over: as `build_label_propagation`.

    Raises:
        ValueError: as `build_label_propagation`.
        OSError: the folder cannot be written.
    """
    model = build_label_propagation(taxonomy, head_names, settings, taken_over=taken_over)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "model.onnx", model.SerializeToString(deterministic=True))
    write_taxonomy_json(folder / "taxonomy.json", taxonomy)


def _check_head_names(head_names: Sequence[str]) -> None:
    if not head_names:
        raise ValueError("label propagation needs at least one head, got none")
    for name in head_names:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(f"a head's name becomes part of tensor names: letters, digits and '_' only, got {name!r}")
    if len(set(head_names)) < len(head_names):
        raise ValueError(f"every head must have its own name, got {', '.join(head_names)}")


def _check_taken_over(taken_over: Mapping[str, Collection[int]], head_names: Sequence[str], taxonomy: Taxonomy) -> None:
    ids = {category.id for category in taxonomy}
    for head, taken in taken_over.items():
        if head not in head_names:
            raise ValueError(f"classes of {head!r} are taken over, but the heads are {', '.join(head_names)}")
        if unknown := sorted(set(taken) - ids):
            raise ValueError(f"{head!r} is to give up the classes {unknown}, which the taxonomy does not have")


def _graph_text(head_names: Sequence[str], settings: PropagationSettings) -> str:
    rows = f"batch, {settings.candidates_per_head}"
    head_inputs = [
        f"float[{rows}, 2] {head}_locations, float[{rows}, 4] {head}_distances, "
        f"float[{rows}] {head}_scores, int32[{rows}] {head}_class_ids"
        for head in head_names
    ]

    def of_all_heads(tensor: str) -> str:
        return ", ".join(f"{head}_{tensor}" for head in head_names)

    return GRAPH.substitute(
        D=settings.max_detections,
        head_inputs=",\n  ".join(head_inputs),
        locations=of_all_heads("locations"),
        distances=of_all_heads("distances"),
        scores=of_all_heads("scores"),
        class_ids=of_all_heads("class_ids"),
    )


def _constants(
    tables: TaxonomyTables,
    head_names: Sequence[str],
    settings: PropagationSettings,
    taken_over: Mapping[str, Collection[int]],
) -> Mapping[str, NDArray[np.generic]]:
    num_candidates = len(head_names) * settings.candidates_per_head
    row_of_head_and_id = np.tile(tables.row_of_id, (len(head_names), 1))
    for head, ids in taken_over.items():
        row_of_head_and_id[head_names.index(head), list(ids)] = -1
    first_entry_of_head = np.arange(len(head_names), dtype=np.int32) * len(tables.row_of_id)
    num_categories, chain_length = tables.chain_of_row.shape
    num_labels = settings.max_detections * chain_length
    return {
        "axis_0": np.array([0], np.int64),
        "axis_1": np.array([1], np.int64),
        "axis_2": np.array([2], np.int64),
        "zero": np.array(0, np.float32),
        "largest_float": np.array(np.finfo(np.float32).max, np.float32),
        "score_threshold": np.array(settings.score_threshold, np.float32),
        "iou_threshold": np.array(settings.iou_threshold, np.float32),
        "max_detections": np.array(settings.max_detections, np.int64),
        "max_detections_1d": np.array([settings.max_detections], np.int64),
        "all_candidates": np.array([num_candidates], np.int64),
        "num_categories": np.array([num_categories], np.int64),
        "chain_length": np.array(chain_length, np.int64),
        "first_row": np.array(0, np.int64),
        "own_level": np.array(0, np.int64),
        "no_category_id": np.array(0, np.int32),
        "too_large_id": np.array(len(tables.row_of_id) - 1, np.int32),
        "image_and_box": np.array([0, 2], np.int64),
        "images_by_labels": np.array([-1, num_labels], np.int64),
        "one_at_first_column": np.eye(1, num_candidates, dtype=np.float32)[0],
        "rank_priorities": _descending_to_1(num_candidates),
        "detection_priorities": _descending_to_1(settings.max_detections),
        "label_priorities": _descending_to_1(num_labels),
        "id_of_row": tables.id_of_row,
        "row_of_head_and_id": row_of_head_and_id.reshape(-1),
        "first_entry_of_column": np.repeat(first_entry_of_head, settings.candidates_per_head).astype(np.int32),
        "chain_of_row": tables.chain_of_row,
        "chain_is_filled": tables.chain_is_filled,
    }


def _descending_to_1(count: int) -> NDArray[np.float32]:
    # float32 holds whole numbers up to 2^24 exactly: room for 16,000 heads and chains of 50,000.
    return np.arange(count, 0, -1, dtype=np.float32)


def _metadata(
    taxonomy: Taxonomy,
    head_names: Sequence[str],
    settings: PropagationSettings,
    taken_over: Mapping[str, Collection[int]],
) -> dict[str, str]:
    return {
        "heads": json.dumps(list(head_names)),
        "taken_over": json.dumps({head: sorted(ids) for head, ids in sorted(taken_over.items())}),
        "taxonomy_sha256": hashlib.sha256(taxonomy_json(taxonomy).encode()).hexdigest(),
        **{name: str(value) for name, value in asdict(settings).items()},
    }
