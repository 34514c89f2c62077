"""Detections of the committed detector, the graphs of the model repository as they are served."""

from pathlib import Path
from typing import Any

from training.data.coco_photos import CocoPhotos
from training.data.roots import REPOSITORY_ROOT, data_set_folder
from training.evaluation.evaluate_repository import RepositoryDetector, detect_photo
from training.scorecard.job import Job

MODEL_REPOSITORY = REPOSITORY_ROOT / "model_repository"


def served_job(data_set: str, limit: int | None) -> Job:
    """Return the job that detects in a val split with what is served.

    Args:
        data_set: folder of GENOD_DATA/detection.
        limit: only so many photos.
    """
    folder = data_set_folder(data_set)
    return Job(
        name=f"served detections on {data_set} val",
        function="training.scorecard.served_detections:detect_with_served",
        arguments={"data_set": data_set, "limit": limit},
        reads=(
            folder / "annotations.json",
            folder / "split.json",
            folder / "images",
            *sorted(MODEL_REPOSITORY.glob("*/*/model.onnx")),
        ),
        cost=20,
    )


def detect_with_served(_work_folder: Path, *, data_set: str, limit: int | None) -> list[dict[str, Any]]:
    """Detect in a val split, propagated labels included.

    Args:
        _work_folder: not needed.
        data_set: folder of GENOD_DATA/detection.
        limit: only so many photos.

    Returns:
        One dictionary per detection: image_id, category_id of the taxonomy, bbox [x, y, w, h] in pixels, score,
        is_propagated.
    """
    detector = RepositoryDetector(MODEL_REPOSITORY)
    photos = CocoPhotos(data_set_folder(data_set), "val").photos[:limit]
    return [
        {**found, "bbox": [round(edge, 2) for edge in found["bbox"]]}
        for photo in photos
        for found in detect_photo(detector, photo)
    ]
