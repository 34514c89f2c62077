"""Fit a photo on the canvas exactly as `model_repository/preprocess` does when serving.

Training must not import from the model repository, so the arithmetic stands here a second time; a test holds the two to
the same bytes.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

SHORTER_SIDE_PX = 400
LONGER_SIDE_PX = 667
LANDSCAPE_CANVAS_HW = (416, 672)
PORTRAIT_CANVAS_HW = (672, 416)
FILL_RGB = (124, 116, 104)
"""The mean colour, hence about 0 after normalisation, as a convolution's own padding is."""


def is_landscape(width: int, height: int) -> bool:
    """Whether a photo of this size goes on the landscape canvas; a square one does."""
    return width >= height


def letterbox(image: Image.Image) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Resize an RGB image to the paper's 400x667 and put it at the canvas's top left.

    Returns:
        The canvas, UINT8 [H, W, 3] with (H, W) one of the two canvases, and the factors FP32 [2] (x, y) from canvas to
        original pixels.
    """
    width, height = image.size
    scale = min(SHORTER_SIDE_PX / min(width, height), LONGER_SIDE_PX / max(width, height))
    resized_size = max(1, round(width * scale)), max(1, round(height * scale))
    canvas_hw = LANDSCAPE_CANVAS_HW if is_landscape(width, height) else PORTRAIT_CANVAS_HW
    canvas = np.empty((*canvas_hw, 3), np.uint8)
    canvas[:] = FILL_RGB
    canvas[: resized_size[1], : resized_size[0]] = np.asarray(image.resize(resized_size, Image.Resampling.BILINEAR))
    factors = np.array([width / resized_size[0], height / resized_size[1]], np.float32)
    return canvas, factors
