"""Detections of the committed detector, the graphs of the model repository as they are served."""

from pathlib import Path
from typing import Any

from training.data.coco_photos import CocoPhotos
from training.data.letterbox import letterbox
from training.data.roots import REPOSITORY_ROOT, data_set_folder
from training.evaluation.evaluate_repository import RepositoryDetector
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
    detections = []
    for photo in CocoPhotos(data_set_folder(data_set), "val").photos[:limit]:
        canvas, canvas_to_image = letterbox(photo.open())
        found = detector.detect(canvas, canvas_to_image, (photo.width_px, photo.height_px))
        for row in range(int(found["num_detections"][0])):
            x1, y1, x2, y2 = (float(edge) for edge in found["boxes"][row])
            detections.append(
                {
                    "image_id": photo.image_id,
                    "category_id": int(found["class_ids"][row]),
                    "bbox": [round(edge, 2) for edge in (x1, y1, x2 - x1, y2 - y1)],
                    "score": float(found["scores"][row]),
                    "is_propagated": bool(found["is_propagated"][row]),
                }
            )
    return detections
