"""What an oracle says of a photo."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torchvision.ops import batched_nms


@dataclass(frozen=True, slots=True)
class OracleDetections:
    """K detections of one photo, best first."""

    boxes: npt.NDArray[np.float32]
    """[K, 4]: x1, y1, x2, y2 in pixels of the photo, inside it."""
    scores: npt.NDArray[np.float32]
    """[K] in [0, 1]"""
    classes: npt.NDArray[np.int64]
    """[K]; what they are called is the oracle's affair."""


class Oracle(Protocol):
    """A detector with class names."""

    name: str

    def detect(self, photo: Image.Image) -> OracleDetections:
        """Detect in an RGB photo."""

    def category_id(self, class_index: int) -> int | None:
        """Return the taxonomy's category of one of its classes; None if it has none."""


def best_detections(
    boxes: npt.NDArray[np.float32],
    scores: npt.NDArray[np.float32],
    classes: npt.NDArray[np.int64],
    *,
    size: tuple[int, int],
    min_score: float,
    nms_iou: float | None,
) -> OracleDetections:
    """Drop what scores too low, cut to the photo, suppress duplicates of a class, and sort.

    Args:
        boxes: [K, 4] in pixels of the photo.
        scores: [K].
        classes: [K].
        size: width and height of the photo in pixels.
        min_score: lower ones are dropped.
        nms_iou: duplicates of one class overlap more than this; None if the graph has suppressed them.
    """
    boxes = np.clip(boxes, 0, np.tile(np.array(size, np.float32), 2)).astype(np.float32)
    has_area = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    kept = np.flatnonzero((scores >= min_score) & has_area & np.isfinite(scores) & np.isfinite(boxes).all(axis=1))
    if nms_iou is None:
        kept = kept[np.argsort(-scores[kept], kind="stable")]
    else:
        tensors = (torch.from_numpy(np.ascontiguousarray(array[kept])) for array in (boxes, scores, classes))
        kept = kept[batched_nms(*tensors, nms_iou).numpy()]
    return OracleDetections(boxes[kept], scores[kept].astype(np.float32), classes[kept].astype(np.int64))
