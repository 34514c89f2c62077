"""Resize to one of the two resolutions and place on one of its two canvases.

Pure geometry and resampling: training does the same to its photos, and a test compares the two bit by bit.
Sizes are (width, height) in pixels unless a name says otherwise.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image


@dataclass(frozen=True)
class Canvas:
    """A resolution and its two canvases, the resolution rounded up to multiples of 32.

    Two, so that the images of one orientation share a batch.
    """

    shorter_side_px: int
    longer_side_max_px: int
    landscape: tuple[int, int]
    """Width and height; portrait is the same, turned."""
    enlarges: bool
    """Whether smaller images grow to the resolution."""

    @property
    def portrait(self) -> tuple[int, int]:
        """Width and height."""
        return self.landscape[1], self.landscape[0]


DETECTOR_CANVAS = Canvas(shorter_side_px=400, longer_side_max_px=667, landscape=(672, 416), enlarges=True)
"""Resolution of GenOD: the shorter side 400, the longer one 667 at most."""

OBJECT_CANVAS = Canvas(shorter_side_px=800, longer_side_max_px=1334, landscape=(1344, 832), enlarges=False)
"""Twice as fine, since a crop is a part of it; pixels that the photo does not have help no crop."""

FILL_RGB = (124, 116, 104)
"""The mean of ImageNet: what the network sees as nothing."""


def resized_size(original_size: tuple[int, int], canvas: Canvas = DETECTOR_CANVAS) -> tuple[int, int]:
    """Scales a size so that its shorter side is the canvas's, unless the longer one would exceed its largest."""
    width, height = original_size
    scale = min(canvas.shorter_side_px / min(width, height), canvas.longer_side_max_px / max(width, height))
    if not canvas.enlarges:
        scale = min(scale, 1.0)
    return max(1, round(width * scale)), max(1, round(height * scale))


def canvas_size(original_size: tuple[int, int], canvas: Canvas = DETECTOR_CANVAS) -> tuple[int, int]:
    """Picks width and height by the orientation of the upright original; a square counts as landscape."""
    return canvas.landscape if is_landscape(original_size) else canvas.portrait


def is_landscape(original_size: tuple[int, int]) -> bool:
    """Whether an upright original goes on a landscape canvas; a square one does."""
    width, height = original_size
    return width >= height


def letterbox(
    image: Image.Image,
    original_size: tuple[int, int],
    extent: tuple[float, float, float, float] | None = None,
    canvas: Canvas = DETECTOR_CANVAS,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Resizes an upright image and places it in the top left corner of its canvas.

    Args:
        image: Upright, mode ``RGB`` or ``L``; may have been decoded at a reduced scale.
        original_size: Size of the upright original, which fixes the geometry whatever the decoded scale was.
        extent: left, top, right, bottom of the original within ``image``, in its pixels; None for all of it.
            A reduced-scale decode rounds its size up, beyond the original's last column and row.
        canvas: Resolution and canvases.

    Returns:
        pixels: uint8 (H, W, 3), RGB; of the detector's canvas (416, 672, 3) for landscape, (672, 416, 3) for portrait.
        canvas_to_image: float32 (2,); x and y factor from canvas pixels to pixels of the original.
    """
    width, height = resized_size(original_size, canvas)
    # Bilinear in Pillow is antialiased: the filter widens with the reduction.
    resized = image.resize((width, height), Image.Resampling.BILINEAR, box=extent)
    filled = Image.new("RGB", canvas_size(original_size, canvas), FILL_RGB)
    filled.paste(resized)  # top left
    canvas_to_image = np.array([original_size[0] / width, original_size[1] / height], np.float32)
    return np.array(filled), canvas_to_image
