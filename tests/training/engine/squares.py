"""A data set of painted squares, and a recipe over it that needs no data folder."""

import json
from pathlib import Path

import numpy as np
import yaml
from PIL import Image, ImageDraw

from training.engine.recipe import Recipe


def paint_squares(folder: Path, *, photos: int = 4) -> Path:
    """Write so many photos, every second one portrait, each with one square; the first is also the val split."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for k in range(photos):
        size = (96, 64) if k % 2 else (64, 96)
        image = Image.new("RGB", size, tuple(int(v) for v in rng.integers(0, 80, 3)))
        x, y = (int(v) for v in rng.integers(4, 30, 2))
        ImageDraw.Draw(image).rectangle((x, y, x + 24, y + 24), fill=(250, 200, 60))
        image.save(folder / "images" / f"{k}.png")
        images.append({"id": k, "file_name": f"{k}.png", "width": size[0], "height": size[1]})
        box = {"image_id": k, "category_id": 1, "bbox": [x, y, 25, 25], "area": 625, "iscrowd": 0}
        annotations.append({"id": k, **box})
    categories = [{"id": 1, "name": "square"}]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(document))
    names = [str(image["file_name"]) for image in images]
    (folder / "split.json").write_text(json.dumps({"train": names, "val": names[:1]}))
    return folder


def write_recipe(path: Path, data_set: Path, **fields: object) -> Path:
    """Write a recipe that starts from the served backbone, which every checkout holds."""
    values = {
        "head": "head_squares",
        "data_set": str(data_set),
        "backbone_from": "model_repository",
        "tower_depth": 1,
        "tower_channels": 16,
        "epochs": 2,
        "images_per_step": 2,
        "warmup_steps": 2,
    }
    path.write_text(yaml.safe_dump(values | fields))
    Recipe.load(path)
    return path
