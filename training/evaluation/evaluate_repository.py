"""Metrics of the graphs that are served: the files of a model repository, run in process."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from rich.progress import track

from training.data.coco_photos import CocoPhotos
from training.data.labelled_photo import LabelledPhoto
from training.data.letterbox import letterbox
from training.detector.served_weights import newest_graph
from training.evaluation.coco_metrics import CocoMetrics
from training.evaluation.coco_protocol import evaluate_coco
from training.taxonomy import DatasetMapping

Array = npt.NDArray[Any]

FEATURES = ("p3", "p4", "p5", "p6", "p7")


class RepositoryDetector:
    """Backbone, heads and label propagation of a model repository, as the ensemble `detect` chains them."""

    def __init__(self, repository: Path, *, versions: Mapping[str, int] = MappingProxyType({})) -> None:
        """Load the graphs.

        Args:
            repository: the model repository.
            versions: version of each model; the newest where it names none.

        Raises:
            FileNotFoundError: a graph is missing.
        """

        def session(model: str) -> onnxruntime.InferenceSession:
            version = versions.get(model) or newest_graph(repository, model).parent.name
            path = repository / model / str(version) / "model.onnx"
            if not path.exists():
                raise FileNotFoundError(f"{path} is missing: export the model first (python -m training export --help)")
            return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

        self._backbone = session("backbone")
        self._label_propagation = session("label_propagation")
        suffix = "_locations"
        inputs = [i.name for i in self._label_propagation.get_inputs()]
        self._heads = {n.removesuffix(suffix): session(n.removesuffix(suffix)) for n in inputs if n.endswith(suffix)}

    def detect(
        self,
        canvas: Array,
        canvas_to_image: Array,
        image_size: tuple[int, int],
    ) -> dict[str, Array]:
        """Detect on one canvas UINT8 [H, W, 3]; return the outputs of label_propagation without the batch axis."""
        features = dict(zip(FEATURES, self._backbone.run(list(FEATURES), {"pixels": canvas[None]}), strict=True))
        feeds: dict[str, Array] = {
            "canvas_to_image": canvas_to_image[None],
            "image_size": np.array([image_size], np.int32),
        }
        for name, head in self._heads.items():
            outputs = [o.name for o in head.get_outputs()]
            candidates = zip(outputs, head.run(outputs, features), strict=True)
            feeds |= {f"{name}_{output}": value for output, value in candidates}
        outputs = [o.name for o in self._label_propagation.get_outputs()]
        results = self._label_propagation.run(outputs, feeds)
        return {name: value[0] for name, value in zip(outputs, results, strict=True)}


def evaluate_repository(detector: RepositoryDetector, photos: CocoPhotos, mapping: DatasetMapping) -> CocoMetrics:
    """Return the metrics over a split; what was propagated and what the data set does not label is left out."""
    return evaluate_coco(mapped_ground_truth(photos, mapping), detect_photos(detector, photos, mapping))


def mapped_ground_truth(photos: CocoPhotos, mapping: DatasetMapping) -> dict[str, Any]:
    """Return a split in COCO's format, of its labels only those that mean a category: no head can answer the others."""
    dataset: dict[str, Any] = photos.ground_truth(mapping.mapped_labels(photos.category_names)).dataset
    return dataset


def detect_photos(detector: RepositoryDetector, photos: CocoPhotos, mapping: DatasetMapping) -> list[dict[str, Any]]:
    """Return COCO results over a split, in the data set's own categories; what was propagated is left out."""
    category_of_taxonomy_id = {
        mapping.category_id(label): photos.category_ids[label] for label in mapping.mapped_labels(photos.category_names)
    }
    photos_shown = track(photos.photos, description=f"detect in {photos.name} {photos.split}", transient=True)
    return [
        {
            "image_id": found["image_id"],
            "category_id": category_of_taxonomy_id[found["category_id"]],
            "bbox": found["bbox"],
            "score": found["score"],
        }
        for photo in photos_shown
        for found in detect_photo(detector, photo)
        if found["category_id"] in category_of_taxonomy_id and not found["is_propagated"]
    ]


def detect_photo(detector: RepositoryDetector, photo: LabelledPhoto) -> list[dict[str, Any]]:
    """Return what is detected in a photo, propagated labels included.

    Returns:
        One dictionary per detection: image_id, category_id of the taxonomy, bbox [x, y, w, h] in pixels, score,
        is_propagated.
    """
    canvas, canvas_to_image = letterbox(photo.open())
    found = detector.detect(canvas, canvas_to_image, (photo.width_px, photo.height_px))
    results = []
    for row in range(int(found["num_detections"][0])):
        x1, y1, x2, y2 = found["boxes"][row].tolist()
        results.append(
            {
                "image_id": photo.image_id,
                "category_id": int(found["class_ids"][row]),
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "score": float(found["scores"][row]),
                "is_propagated": bool(found["is_propagated"][row]),
            }
        )
    return results
