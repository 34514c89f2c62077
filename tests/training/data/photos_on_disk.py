"""Small data sets on disk, for tests to break."""

import json
from pathlib import Path

import numpy as np
from PIL import Image


def paint(path: Path, size: tuple[int, int] = (80, 60), seed: int = 0, **save_options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, **save_options)
    return path


def coco_folder(folder: Path, boxes_per_photo, *, labels=("cat", "dog"), size=(80, 60), split=None, paint_photos=True):
    """A folder in our layout; boxes_per_photo holds for each photo a list of (label, bbox)."""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for k, boxes in enumerate(boxes_per_photo):
        name = f"{k}.jpg"
        if paint_photos:
            paint(folder / "images" / name, size, seed=k)
        images.append({"id": k, "file_name": name, "width": size[0], "height": size[1]})
        for label, bbox in boxes:
            annotations.append(
                {"id": len(annotations), "image_id": k, "category_id": labels.index(label), "bbox": bbox, "iscrowd": 0}
            )
    (folder / "images").mkdir(parents=True, exist_ok=True)
    dataset = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": k, "name": label} for k, label in enumerate(labels)],
    }
    (folder / "annotations.json").write_text(json.dumps(dataset))
    names = [image["file_name"] for image in images]
    (folder / "split.json").write_text(json.dumps(split or {"train": names, "val": []}))
    return folder
