"""What `label_propagation` must compute, as the plainest loops over one image. Slow on purpose.

Numbers are numpy.float32 scalars, so that every rounding happens where the graph's happens and results can be
compared bit for bit.
"""

from dataclasses import dataclass

import numpy as np

from training.export.label_propagation import PropagationSettings
from training.taxonomy import Taxonomy

F = np.float32


@dataclass(frozen=True)
class Candidate:
    """One row of one head."""

    location: tuple[float, float]
    distances: tuple[float, float, float, float]
    score: float
    class_id: int


@dataclass(frozen=True)
class Image:
    """The candidates of every head, head by head, and how the canvas lies on the original image."""

    candidates_per_head: tuple[tuple[Candidate, ...], ...]
    canvas_to_image: tuple[float, float] = (1.0, 1.0)
    image_size: tuple[int, int] = (640, 480)


@dataclass(frozen=True)
class Label:
    """One row of the result."""

    box: tuple[np.float32, np.float32, np.float32, np.float32]
    score: np.float32
    class_id: int
    is_propagated: bool


def propagate_labels(
    image: Image, taxonomy: Taxonomy, settings: PropagationSettings, taken_over_per_head=None
) -> list[Label]:
    parents = {category.id: taxonomy.parents(category.id) for category in taxonomy}

    # 1. Decode, threshold.
    natives: list[Label] = []
    for head, candidates in enumerate(image.candidates_per_head):
        for candidate in candidates:
            if taken_over_per_head and candidate.class_id in taken_over_per_head[head]:
                continue
            if not np.isfinite(F(candidate.score)) or not F(candidate.score) > F(settings.score_threshold):
                continue
            if candidate.class_id not in parents:
                continue
            box = decode(candidate, image)
            if box is not None:
                natives.append(Label(box, F(candidate.score), candidate.class_id, is_propagated=False))

    # 2. Suppress per class; sorted() is stable, so that ties stay in the order of the candidates.
    natives = sorted(natives, key=lambda label: -label.score)
    detections: list[Label] = suppress_per_class(natives, settings)[: settings.max_detections]

    # 3. Copy to all ancestors, the specific ones first.
    labels = []
    for detection in detections:
        labels.append(detection)
        above = sorted(ancestors(detection.class_id, parents), key=lambda id_: (-depth(id_, parents), id_))
        for ancestor in above:
            labels.append(Label(detection.box, detection.score, ancestor, is_propagated=True))

    # 4. Suppress per class again.
    return suppress_per_class(labels, settings)[: settings.max_detections]


def decode(candidate, image):
    with np.errstate(all="ignore"):
        x, y = F(candidate.location[0]), F(candidate.location[1])
        left, top, right, bottom = (F(distance) for distance in candidate.distances)
        x_factor, y_factor = F(image.canvas_to_image[0]), F(image.canvas_to_image[1])
        corners = (
            (x - left) * x_factor,
            (y - top) * y_factor,
            (x + right) * x_factor,
            (y + bottom) * y_factor,
        )
    if not all(np.isfinite(corner) for corner in corners):
        return None
    width, height = F(image.image_size[0]), F(image.image_size[1])
    x1 = min(max(corners[0], F(0)), width)
    y1 = min(max(corners[1], F(0)), height)
    x2 = min(max(corners[2], F(0)), width)
    y2 = min(max(corners[3], F(0)), height)
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


def suppress_per_class(labels: list[Label], settings: PropagationSettings) -> list[Label]:
    """Labels come best first; one stays unless a better one of its class that stayed overlaps it too much."""
    kept = []
    kept_by_class: dict[int, list[Label]] = {}
    for label in labels:
        same_class = kept_by_class.setdefault(label.class_id, [])
        if all(iou(label.box, other.box) <= F(settings.iou_threshold) for other in same_class):
            kept.append(label)
            same_class.append(label)
    return kept


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return F(0)
    intersection = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - intersection
    return intersection / union


def ancestors(class_id, parents):
    found = set()
    for parent in parents[class_id]:
        found.add(parent)
        found |= ancestors(parent, parents)
    return found


def depth(class_id, parents):
    return max((1 + depth(parent, parents) for parent in parents[class_id]), default=0)
