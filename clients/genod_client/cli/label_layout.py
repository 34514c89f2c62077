"""Where the labels of a picture go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from genod_client.results import Box


class Rectangle(NamedTuple):
    """A rectangle in pixels."""

    x1: float
    y1: float
    x2: float
    y2: float


def place_label(
    size: tuple[float, float], box: Box, picture_size: tuple[int, int], taken: Sequence[Rectangle]
) -> Rectangle:
    """Return a place for a label: within the picture, at its box, and not over another label where avoidable.

    Args:
        size: width and height of the label, pixels.
        box: what it labels.
        picture_size: width and height of the picture, pixels.
        taken: places of the labels so far.
    """
    width, height = size
    # By preference: above the box, inside its top, below it, inside its bottom; each from its left or its
    # right edge. Then on a ladder down the box, for objects that lie on each other.
    rows = [box.y1 - height, box.y1, box.y2, box.y2 - height]
    rows += [box.y1 + step * height for step in range(1, int(box.height // max(height, 1)))]
    candidates = [
        _moved_into((x, y, x + width, y + height), picture_size) for y in rows for x in (box.x1, box.x2 - width)
    ]
    # min() takes the first of equals: the most preferred one that covers nothing, else the one that covers
    # least.
    return min(candidates, key=lambda place: sum(_overlap(place, other) for other in taken))


def _moved_into(place: tuple[float, float, float, float], picture_size: tuple[int, int]) -> Rectangle:
    x1, y1, x2, y2 = place
    # The picture's last pixel is size - 1. A label larger than the picture starts at the left or top edge.
    dx = max(min(0, picture_size[0] - 1 - x2), -x1)
    dy = max(min(0, picture_size[1] - 1 - y2), -y1)
    return Rectangle(x1 + dx, y1 + dy, x2 + dx, y2 + dy)


def _overlap(a: Rectangle, b: Rectangle) -> float:
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    return max(0.0, width) * max(0.0, height)
