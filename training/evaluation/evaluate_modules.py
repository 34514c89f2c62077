"""Metrics of PyTorch modules while they train."""

from collections.abc import Sequence
from typing import Any

import torch
from rich.progress import track
from torchvision.ops import batched_nms

from training.data.coco_photos import CocoPhotos
from training.data.letterbox import letterbox
from training.detector.backbone import SharedBackbone
from training.detector.candidates import select_candidates
from training.detector.fcos_head import FCOSHead
from training.detector.locations import pyramid_locations
from training.evaluation.coco_metrics import CocoMetrics, evaluate_boxes

SCORE_THRESHOLD = 0.05
NMS_IOU = 0.6
DETECTIONS_PER_IMAGE = 100
NO_CATEGORY = -1
"""Of a class that the data set does not label."""


@torch.no_grad()
def evaluate_head(
    backbone: SharedBackbone,
    head: FCOSHead,
    labels: Sequence[str | None],
    photos: CocoPhotos,
    *,
    limit: int | None = None,
) -> CocoMetrics:
    """Detect in every photo of a split and return the metrics.

    Args:
        backbone: the backbone.
        head: the head.
        labels: of each of its classes the data set's label; None where the data set has none.
        photos: the split.
        limit: only so many photos.
    """
    category_ids = torch.tensor([photos.category_ids[label] if label else NO_CATEGORY for label in labels])
    category_ids = category_ids.to(torch.int32)
    results: list[dict[str, Any]] = []
    backbone.eval()
    head.eval()
    for photo in track(photos.photos[:limit], description=f"evaluate on {photos.name}", transient=True):
        canvas, canvas_to_image = letterbox(photo.open())
        features = backbone(torch.from_numpy(canvas).unsqueeze(0))
        locations, strides = pyramid_locations([(f.shape[-2], f.shape[-1]) for f in features])
        candidates = select_candidates(head(features), locations, strides, category_ids)
        keep = (candidates.scores[0] > SCORE_THRESHOLD) & (candidates.class_ids[0] != NO_CATEGORY)
        boxes = candidates.boxes()[0][keep] * torch.from_numpy(canvas_to_image).repeat(2)
        boxes[:, 0::2] = boxes[:, 0::2].clamp(0, photo.width_px)
        boxes[:, 1::2] = boxes[:, 1::2].clamp(0, photo.height_px)
        scores, ids = candidates.scores[0][keep], candidates.class_ids[0][keep]
        best = batched_nms(boxes, scores, ids, NMS_IOU)[:DETECTIONS_PER_IMAGE]
        for (x1, y1, x2, y2), score, category_id in zip(
            boxes[best].tolist(), scores[best].tolist(), ids[best].tolist(), strict=True
        ):
            results.append(
                {
                    "image_id": photo.image_id,
                    "category_id": category_id,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "score": score,
                }
            )
    return evaluate_boxes(photos.ground_truth([label for label in labels if label]), results)
