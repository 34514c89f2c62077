"""One encoded image -> the detector's canvas and the way back to pixels of the original."""

import threading
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from decode import read_header
from image_limits import ImageLimits
from letterbox import letterbox

_LARGE_PIXELS = 25_000_000
"""Images that hold more pixels than this in memory are decoded one at a time.

A PNG of 100 megapixels takes about 1 GB while its transparency is flattened. Sixteen threads with one each
would end the process, and everybody's requests with it.
"""


@dataclass(frozen=True)
class PreprocessedImage:
    """What the model answers for one image."""

    canvas: npt.NDArray[np.uint8]
    """(H, W, 3), RGB."""

    image_size: tuple[int, int]
    """Width and height of the upright original."""

    canvas_to_image: npt.NDArray[np.float32]
    """(2,); x and y factor from canvas pixels to pixels of the original."""


class ImagePreprocessor:
    """Preprocesses images under the given limits; one object serves all threads of a process."""

    def __init__(self, limits: ImageLimits) -> None:
        self._limits = limits
        self._large_image_lock = threading.Lock()

    def preprocess(self, data: bytes) -> PreprocessedImage:
        """Decodes an image and places it on its canvas.

        Args:
            data: The bytes of an image file.

        Raises:
            ImageRefusedError: The image is not accepted; the error says why.
        """
        header = read_header(data, self._limits)
        is_large = header.pixels_in_memory > _LARGE_PIXELS
        with self._large_image_lock if is_large else nullcontext():
            decoded = header.decode()
            canvas, canvas_to_image = letterbox(decoded.image, decoded.original_size, decoded.extent)
        return PreprocessedImage(canvas, decoded.original_size, canvas_to_image)
