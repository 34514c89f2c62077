"""Resize to the detector's resolution and place on one of its two canvases.

Pure geometry and resampling: training does the same to its photos, and a test compares the two bit by bit.
Sizes are (width, height) in pixels unless a name says otherwise.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

SHORTER_SIDE_PX = 400
LONGER_SIDE_MAX_PX = 667
"""Resolution of GenOD: the shorter side 400, the longer one 667 at most."""

LANDSCAPE_CANVAS = (672, 416)
PORTRAIT_CANVAS = (416, 672)
"""The resolution rounded up to multiples of 32, so that the images of one orientation share a batch."""

FILL_RGB = (124, 116, 104)
"""The mean of ImageNet: what the network sees as nothing."""


def resized_size(original_size: tuple[int, int]) -> tuple[int, int]:
    """Scales a size so that its shorter side is 400 and its longer one at most 667; small images grow."""
    width, height = original_size
    scale = min(SHORTER_SIDE_PX / min(width, height), LONGER_SIDE_MAX_PX / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def canvas_size(original_size: tuple[int, int]) -> tuple[int, int]:
    """Picks the canvas by the orientation of the upright original; a square counts as landscape."""
    width, height = original_size
    return LANDSCAPE_CANVAS if width >= height else PORTRAIT_CANVAS


def letterbox(
    image: Image.Image,
    original_size: tuple[int, int],
    extent: tuple[float, float, float, float] | None = None,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Resizes an upright image and places it in the top left corner of its canvas.

    Args:
        image: Upright, mode ``RGB`` or ``L``; may have been decoded at a reduced scale.
        original_size: Size of the upright original, which fixes the geometry whatever the decoded scale was.
        extent: left, top, right, bottom of the original within ``image``, in its pixels; None for all of it.
            A reduced-scale decode rounds its size up, beyond the original's last column and row.

    Returns:
        canvas: uint8 (H, W, 3), RGB; (416, 672, 3) for landscape, (672, 416, 3) for portrait.
        canvas_to_image: float32 (2,); x and y factor from canvas pixels to pixels of the original.
    """
    width, height = resized_size(original_size)
    # Bilinear in Pillow is antialiased: the filter widens with the reduction.
    resized = image.resize((width, height), Image.Resampling.BILINEAR, box=extent)
    canvas = Image.new("RGB", canvas_size(original_size), FILL_RGB)
    canvas.paste(resized)  # top left
    canvas_to_image = np.array([original_size[0] / width, original_size[1] / height], np.float32)
    return np.array(canvas), canvas_to_image
