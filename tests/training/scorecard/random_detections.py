"""Made-up ground truth and detections, with misses, wrong boxes, crowds and ties."""

from typing import Any

import numpy as np


def random_truth(seed: int, *, photos: int = 12, classes: int = 3) -> dict[str, Any]:
    """Return ground truth in COCO's format; ids start at 0, as some files have it."""
    generator = np.random.default_rng(seed)
    annotations: list[dict[str, Any]] = []
    for image_id in range(photos):
        for _ in range(int(generator.integers(0, 4))):
            x, y, width, height = (float(v) for v in generator.uniform([0, 0, 20, 20], [60, 60, 40, 40]))
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": image_id,
                    "category_id": int(generator.integers(0, classes)),
                    "bbox": [x, y, width, height],
                    "area": width * height,
                    "iscrowd": int(generator.random() < 0.1),
                }
            )
    return {
        "images": [{"id": image_id} for image_id in range(photos)],
        "annotations": annotations,
        "categories": [{"id": k, "name": f"class {k}"} for k in range(classes)],
    }


def random_detections(truth: dict[str, Any], seed: int, *, quality: float = 0.8) -> list[dict[str, Any]]:
    """Return detections that find objects with a chance, shifted a little, and others that find nothing."""
    generator = np.random.default_rng(seed)
    detections = []
    for annotation in truth["annotations"]:
        if generator.random() < quality:
            shift = generator.normal(0, 3, 4)
            box = [float(v) for v in np.array(annotation["bbox"]) + shift]
            detections.append({**_of(annotation, box), "score": round(float(generator.uniform(0.3, 1.0)), 1)})
        if generator.random() < 0.5:
            box = [float(v) for v in generator.uniform(0, 60, 4)]
            detections.append({**_of(annotation, box), "score": round(float(generator.uniform(0.0, 0.8)), 1)})
    return detections


def _of(annotation: dict[str, Any], box: list[float]) -> dict[str, Any]:
    return {"image_id": annotation["image_id"], "category_id": annotation["category_id"], "bbox": box}
