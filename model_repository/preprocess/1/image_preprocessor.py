"""One encoded image -> its canvases and the ways back to pixels of the original."""

import threading
from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from decode import DecodedImage, ImageHeader, read_header
from image_limits import ImageLimits
from letterbox import DETECTOR_CANVAS, OBJECT_CANVAS, Canvas, letterbox

_LARGE_PIXELS = 25_000_000
"""Images that hold more pixels than this in memory are decoded one at a time.

A PNG of 100 megapixels takes about 1 GB while its transparency is flattened. Sixteen threads with one each
would end the process, and everybody's requests with it.
"""

_OUTPUTS_OF_CANVAS = {
    DETECTOR_CANVAS: ("pixels", "canvas_to_image"),
    OBJECT_CANVAS: ("object_canvas", "canvas_to_image_objects"),
}


@dataclass(frozen=True)
class PlacedImage:
    """An image on one canvas."""

    pixels: npt.NDArray[np.uint8]
    """(H, W, 3), RGB."""

    canvas_to_image: npt.NDArray[np.float32]
    """(2,); x and y factor from canvas pixels to pixels of the original."""


@dataclass(frozen=True)
class PreprocessedImage:
    """What the model answers for one image."""

    image_size: tuple[int, int]
    """Width and height of the upright original."""

    on_detector_canvas: PlacedImage | None
    """None where nobody asked for it, as the other."""

    on_object_canvas: PlacedImage | None

    def tensors(self) -> dict[str, npt.NDArray[np.uint8] | npt.NDArray[np.int32] | npt.NDArray[np.float32]]:
        """The model's outputs for this image, by name, those of a canvas that nobody asked for left out."""
        placed = {DETECTOR_CANVAS: self.on_detector_canvas, OBJECT_CANVAS: self.on_object_canvas}
        tensors: dict[str, npt.NDArray[np.uint8] | npt.NDArray[np.int32] | npt.NDArray[np.float32]]
        tensors = {"image_size": np.array(self.image_size, np.int32)}
        for canvas, (pixels_name, factors_name) in _OUTPUTS_OF_CANVAS.items():
            if (image := placed[canvas]) is not None:
                tensors |= {pixels_name: image.pixels, factors_name: image.canvas_to_image}
        return tensors


def canvases_for(output_names: Collection[str]) -> list[Canvas]:
    """Which canvases some of the model's outputs need; never none, since only what can be decoded has a size."""
    wanted = [canvas for canvas, names in _OUTPUTS_OF_CANVAS.items() if not set(names).isdisjoint(output_names)]
    return wanted or [DETECTOR_CANVAS]


class ImagePreprocessor:
    """Preprocesses images under the given limits; one object serves all threads of a process."""

    def __init__(self, limits: ImageLimits) -> None:
        self._limits = limits
        self._large_image_lock = threading.Lock()

    def preprocess(self, data: bytes, canvases: Collection[Canvas] = (DETECTOR_CANVAS,)) -> PreprocessedImage:
        """Decodes an image and places it on the canvases asked for.

        Args:
            data: The bytes of an image file.
            canvases: Which of the two are wanted, at least one. Neither's pixels depend on whether the other is: a JPEG
                is decoded once for both where one scale serves both, and else once for each.

        Raises:
            ImageRefusedError: The image is not accepted; the error says why.
        """
        headers = {canvas: read_header(data, self._limits, canvas) for canvas in canvases}
        is_large = max(header.pixels_in_memory for header in headers.values()) > _LARGE_PIXELS
        placed: dict[Canvas, PlacedImage] = {}
        last: tuple[ImageHeader, DecodedImage] | None = None
        with self._large_image_lock if is_large else nullcontext():
            for canvas, header in headers.items():
                decoded = last[1] if last is not None and header.decodes_like(last[0]) else header.decode()
                last = header, decoded
                placed[canvas] = PlacedImage(*letterbox(decoded.image, decoded.original_size, decoded.extent, canvas))
        return PreprocessedImage(decoded.original_size, placed.get(DETECTOR_CANVAS), placed.get(OBJECT_CANVAS))
