"""Whether a box of an annotation file can be used."""

import math
from typing import Any

from training.data.problems import ProblemKind

CUT_TOLERANCE_PX = 1.0
"""Annotation tools round; a box that leaves the photo by no more is cut without a word."""

CheckedBox = tuple[tuple[float, float, float, float] | None, ProblemKind | None, str]


def checked_box(bbox: Any, width_px: float, height_px: float) -> CheckedBox:
    """Turn COCO's box into corners inside the photo.

    Args:
        bbox: should be [x, y, width, height] in pixels.
        width_px: of the photo.
        height_px: of the photo.

    Returns:
        x1, y1, x2, y2 with 0 <= x1 < x2 <= width_px, or None if the box is broken; what is wrong with it, if anything
        is, and the figures.
    """
    if not isinstance(bbox, list | tuple) or len(bbox) != 4:
        return None, "box malformed", f"bbox must be [x, y, width, height], got {bbox!r}"
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in bbox):
        return None, "box malformed", f"bbox must hold numbers, got {bbox!r}"
    if not all(math.isfinite(value) for value in bbox):
        return None, "box not finite", str(list(bbox))
    x, y, width, height = (float(value) for value in bbox)
    if width <= 0 or height <= 0:
        return None, "box empty", str(list(bbox))
    corners = (max(0.0, x), max(0.0, y), min(width_px, x + width), min(height_px, y + height))
    x1, y1, x2, y2 = corners
    if x2 <= x1 or y2 <= y1:
        return None, "box outside", f"{list(bbox)} in a photo of {width_px:g} x {height_px:g}"
    outside_px = max(-x, -y, x + width - width_px, y + height - height_px)
    if outside_px > CUT_TOLERANCE_PX:
        return corners, "box cut", f"{list(bbox)} in a photo of {width_px:g} x {height_px:g}"
    return corners, None, ""
