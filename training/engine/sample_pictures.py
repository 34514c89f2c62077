"""Photos with what they show and what the detector sees, to look at while it trains."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import pil_to_tensor
from torchvision.utils import draw_bounding_boxes

from training.data.coco_photos import CocoPhotos
from training.data.labelled_photo import LabelledPhoto
from training.detector.detector import Detector
from training.evaluation.evaluate_modules import detect_photos

PHOTOS_PER_SET = 2
SCORE_THRESHOLD = 0.3
"""Below it a picture would be full of guesses."""
GROUND_TRUTH_COLOUR = "lime"
PREDICTION_COLOUR = "red"


def sample_pictures(
    detector: Detector, classes: Sequence[str], validation: Mapping[str, CocoPhotos]
) -> dict[str, Tensor]:
    """Draw the first photos of every val split with their boxes, green, and those of the detector, red.

    Args:
        detector: in evaluation mode.
        classes: of its head, as the photos call them.
        validation: the splits, by the name of each.

    Returns:
        UINT8 [3, H, W] each, in the photo's own size, by data set and name.
    """
    pictures = {}
    for name, photos in validation.items():
        labels = [label if label in photos.category_ids else None for label in classes]
        results = detect_photos(detector.backbone, detector.head, labels, photos, limit=PHOTOS_PER_SET)
        for photo in photos.photos[:PHOTOS_PER_SET]:
            of_photo = [r for r in results if r["image_id"] == photo.image_id and r["score"] >= SCORE_THRESHOLD]
            pictures[f"{name}/{photo.path.stem}"] = picture(photo, of_photo, photos.category_ids)
    return pictures


def picture(photo: LabelledPhoto, results: Sequence[Mapping[str, Any]], category_ids: Mapping[str, int]) -> Tensor:
    """Draw a photo's boxes and those of COCO results of it; UINT8 [3, H, W]."""
    names = {category_id: label for label, category_id in category_ids.items()}
    boxes_xywh = torch.tensor([r["bbox"] for r in results], dtype=torch.float32).reshape(-1, 4)
    boxes = torch.cat([boxes_xywh[:, :2], boxes_xywh[:, :2] + boxes_xywh[:, 2:]], dim=1)
    captions = [f"{names[r['category_id']]} {r['score']:.2f}" for r in results]
    pixels: Tensor = pil_to_tensor(photo.open())
    for of_kind, texts, colour in (
        (photo.boxes, list(photo.labels), GROUND_TRUTH_COLOUR),
        (boxes, captions, PREDICTION_COLOUR),
    ):
        if len(of_kind):
            pixels = draw_bounding_boxes(pixels, of_kind, texts, colors=colour, width=2)
    return pixels
