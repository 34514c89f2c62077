"""Pictures of single products, as shops have them, made from the objects of photos.

Shop The Look, section 5.1.1 and algorithm 1: a picture that shows one product on white, its category known from the
shop and its box found by the detector itself, is taken if the largest box found covers 0.8 of it, and at most as many
of a category as the photos of scenes hold. We have no shop's pictures: an object cut out of its photo and laid on white
stands for one.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.data.coco_photos import CocoPhotos
from training.data.labelled_photo import LabelledPhoto
from training.data.letterbox import letterbox
from training.data.roots import REPOSITORY_ROOT
from training.evaluation.evaluate_repository import RepositoryDetector

MARGIN = 0.04
"""White on each side, as part of the object's larger side."""
SMALLEST_SIDE_PX = 40
"""Smaller objects would be a blur as a product picture."""
LARGEST_BOX_SHARE = 0.8
"""Algorithm 1, line 9."""
DETECTOR_SCORE = 0.1
"""Detections below are not taken for the product."""


def single_products(photos: CocoPhotos, images: Path, *, limit: int | None) -> dict[str, Any]:
    """Make the pictures of a split; train boxes are the detector's, val boxes the truth.

    Args:
        photos: the photos of scenes.
        images: an empty folder for the files.
        limit: only the first so many photos are cut up.

    Returns:
        Images and annotations in COCO's format, one object each.
    """
    detector = RepositoryDetector(REPOSITORY_ROOT / "model_repository") if photos.split == "train" else None
    in_scenes = Counter(label for photo in photos.photos for label in photo.labels)  # algorithm 1's scene distribution
    taken: Counter[str] = Counter()
    made: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for photo in photos.photos[:limit]:
        scene = photo.open()
        for row, label in enumerate(photo.labels):
            picture, box = _on_white(scene, photo, row)
            if picture is None or taken[label] >= in_scenes[label]:
                continue
            if detector is not None:
                found = largest_box(detector, picture)
                if found is None:
                    continue
                box = found
            taken[label] += 1
            number = len(made) + 1
            name = f"{photo.path.stem}_{row}.jpg"
            picture.save(images / name, quality=92)
            made.append({"id": number, "file_name": name, "width": picture.width, "height": picture.height})
            x1, y1, x2, y2 = (float(edge) for edge in box)
            annotations.append(
                {
                    "id": number,
                    "image_id": number,
                    "category_id": photos.category_ids[label],
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                }
            )
    return {"images": made, "annotations": annotations}


def largest_box(detector: RepositoryDetector, picture: Image.Image) -> npt.NDArray[np.float32] | None:
    """Return the largest box that the detector finds, of whatever category, if it covers enough of the picture.

    Args:
        detector: of any categories.
        picture: of a single product.

    Returns:
        FP32 [4]: x1, y1, x2, y2 in pixels of the picture; None if nothing large enough is found.
    """
    canvas, canvas_to_image = letterbox(picture)
    found = detector.detect(canvas, canvas_to_image, picture.size)
    boxes = found["boxes"][: int(found["num_detections"][0])]
    boxes = boxes[found["scores"][: len(boxes)] >= DETECTOR_SCORE]
    if not len(boxes):
        return None
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    best = int(areas.argmax())
    is_large = areas[best] >= LARGEST_BOX_SHARE * picture.width * picture.height
    return boxes[best] if is_large else None


def _on_white(scene: Image.Image, photo: LabelledPhoto, row: int) -> tuple[Image.Image | None, npt.NDArray[np.float32]]:
    x1, y1, x2, y2 = (round(edge) for edge in photo.boxes[row].tolist())
    width, height = x2 - x1, y2 - y1
    if min(width, height) < SMALLEST_SIDE_PX:
        return None, np.zeros(4, np.float32)
    margin = round(MARGIN * max(width, height))
    picture = Image.new("RGB", (width + 2 * margin, height + 2 * margin), (255, 255, 255))
    picture.paste(scene.crop((x1, y1, x2, y2)), (margin, margin))
    return picture, np.array([margin, margin, margin + width, margin + height], np.float32)
