"""Metrics of PyTorch modules while they train."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from rich.progress import track
from torch import Tensor
from torchvision.ops import batched_nms

from training.data.coco_photos import CocoPhotos
from training.data.letterbox import letterbox
from training.detector.backbone import Backbone
from training.detector.candidates import Candidates
from training.detector.head import DetectionHead
from training.evaluation.coco_metrics import CocoMetrics
from training.evaluation.coco_protocol import evaluate_coco

SCORE_THRESHOLD = 0.05
NMS_IOU = 0.6
DETECTIONS_PER_IMAGE = 100
NO_CATEGORY = -1
"""Of a class that the data set does not label."""


def evaluate_head(
    backbone: Backbone,
    head: DetectionHead[Any],
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
    backbone.eval()
    results = detect_photos(backbone, head, labels, photos, limit=limit)
    return evaluate_coco(photos.ground_truth([label for label in labels if label]).dataset, results)


@torch.no_grad()
def detect_photos(
    backbone: Callable[[Tensor], tuple[Tensor, ...]],
    head: DetectionHead[Any],
    labels: Sequence[str | None],
    photos: CocoPhotos,
    *,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Detect in every photo of a split.

    Args:
        backbone: maps pixels UINT8 [1, H, W, 3] to P3..P7.
        head: the head.
        labels: of each of its classes the data set's label; None where the data set has none.
        photos: the split.
        limit: only so many photos.

    Returns:
        COCO results, of each photo the 100 best: image_id, category_id, bbox [x, y, w, h] in its pixels, score.
    """
    category_ids = torch.tensor([photos.category_ids[label] if label else NO_CATEGORY for label in labels])
    device = next(head.parameters()).device
    category_ids = category_ids.to(device, torch.int32)
    results: list[dict[str, Any]] = []
    head.eval()
    for photo in track(photos.photos[:limit], description=f"evaluate on {photos.name}", transient=True):
        canvas, canvas_to_image = letterbox(photo.open())
        features = backbone(torch.from_numpy(canvas).unsqueeze(0).to(device))
        candidates = Candidates(*(field.cpu() for field in head.detect(features, category_ids)))
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
    return results
