"""Encoded bytes -> upright 8-bit pixels, in two steps: the header is judged, then the pixels are decoded.

::

    header = read_header(data, ImageLimits())  # refuses bombs; no pixel has been decoded yet
    decoded = header.decode()
    canvas, canvas_to_image = letterbox(decoded.image, decoded.original_size, decoded.extent)
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# Importing a plugin registers it: else the first TIFF would make Pillow import every plugin it has.
from PIL import (
    AvifImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from flatten import flatten
from image_format import supported_format
from image_limits import ImageLimits
from image_refused import ImageRefusedError, RefusalReason
from letterbox import DETECTOR_CANVAS, Canvas, resized_size
from upright import Box, exif_orientation, turn_box_upright, turn_upright, upright_size


@dataclass(frozen=True)
class DecodedImage:
    """Pixels that stand upright, perhaps at a reduced scale."""

    image: Image.Image
    """Mode ``RGB`` or ``L``."""

    original_size: tuple[int, int]
    """Width and height of the upright original at full scale."""

    extent: Box | None
    """Where the original lies within ``image``; None: it fills it."""


@dataclass(frozen=True)
class ImageHeader:
    """An image that was opened and found small enough, none of whose pixels are decoded yet."""

    format: str
    image: ImageFile.ImageFile
    stored_extent: Box | None
    """Where the original lies within the stored pixels that will be decoded; None: it fills them."""

    stored_size: tuple[int, int]
    """Full scale, before the EXIF orientation is applied."""

    def decodes_like(self, other: "ImageHeader") -> bool:
        """Whether decoding either of two headers of the same file gives the same pixels."""
        return (self.image.size, self.stored_extent) == (other.image.size, other.stored_extent)

    @property
    def pixels_in_memory(self) -> int:
        """How many pixels the decoder will hold at once."""
        if self.image.info.get("progressive"):  # libjpeg keeps every coefficient, at whatever scale it writes
            return self.stored_size[0] * self.stored_size[1]
        return self.image.width * self.image.height

    def decode(self) -> DecodedImage:
        """Decodes the first frame, flattens it and turns it upright. Once only: it consumes the opened file.

        Raises:
            ImageRefusedError: ``broken_image``, or ``unsupported_format`` for exotic kinds of pixel.
        """
        with _pillow_errors_refuse(self.format):
            # Reads to the end of the picture, so that a truncated file raises at a reduced scale too.
            self.image.load()
        # Only now: TIFF turns itself upright while it loads, PNG may carry its EXIF behind the pixels.
        orientation = exif_orientation(self.image)
        decoded_size = self.image.size
        image = turn_upright(flatten(self.image), orientation)
        if self.stored_extent is None:
            return DecodedImage(image, original_size=image.size, extent=None)
        return DecodedImage(
            image,
            original_size=upright_size(self.stored_size, orientation),
            extent=turn_box_upright(self.stored_extent, decoded_size, orientation),
        )


def read_header(data: bytes, limits: ImageLimits, canvas: Canvas = DETECTOR_CANVAS) -> ImageHeader:
    """Opens an encoded image and checks everything that can be known before decoding it.

    Args:
        data: The bytes of an image file.
        limits: Largest accepted file and picture.
        canvas: What the pixels are for: a JPEG is decoded at the smallest scale that is enough for it.

    Raises:
        ImageRefusedError: ``empty``, ``too_many_bytes``, ``not_an_image``, ``unsupported_format``,
            ``too_many_pixels`` or ``broken_image``.
    """
    limits.check_bytes(len(data))
    format_name = supported_format(data)
    with _pillow_errors_refuse(format_name):
        image = Image.open(io.BytesIO(data), formats=[format_name])
    stored_size = image.size
    limits.check_pixels(*stored_size)
    return ImageHeader(format_name, image, _reduce_jpeg_scale(image, canvas), stored_size)


def guard_pillow(limits: ImageLimits) -> None:
    """Sets Pillow's own bomb guard to the same limit, for the whole process.

    read_header checks the size as soon as it is known, but some plugins allocate while they read a header:
    WebP its canvas, GIF the area that a frame disposes of.
    """
    # Pillow warns above this number and raises above its double.
    Image.MAX_IMAGE_PIXELS = (limits.max_image_pixels + 1) // 2
    # A line in the log per odd photo, and per photo above half the limit, helps nobody; what matters raises.
    warnings.filterwarnings("ignore", module=r"PIL\.")


def _reduce_jpeg_scale(image: ImageFile.ImageFile, canvas: Canvas) -> Box | None:
    """Has a JPEG decoded at 1/2, 1/4 or 1/8 of its size, never below the size it is resized to.

    The scale depends on the size in the header alone, so the same file always gives the same pixels.

    Returns:
        The extent of the original within the reduced pixels: 8001 px at 1/8 are 1000.125 px, decoded as 1001.
        None for the other formats, whose decoders have no reduced scale.
    """
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return None
    # resized_size treats both sides alike: the stored size needs no turning here.
    drafted = image.draft(None, resized_size(image.size, canvas))
    return drafted[1] if drafted is not None else None


@contextmanager
def _pillow_errors_refuse(format_name: str) -> Iterator[None]:
    """Maps whatever Pillow raises on hostile or damaged bytes to a refusal.

    Its plugins raise nearly any type: OSError, SyntaxError, EOFError, struct.error, KeyError, ...
    """
    try:
        yield
    except MemoryError:
        raise  # the machine's fault, not the image's
    except Image.DecompressionBombError as error:
        # "Image size (4294967296 pixels) exceeds limit of 100000000 pixels, could be decompression bomb ..."
        pixels_and_limit, _, _ = str(error).partition(",")
        raise ImageRefusedError(
            RefusalReason.TOO_MANY_PIXELS,
            f"{format_name}: {pixels_and_limit} (parameter max_image_pixels); send a smaller image",
        ) from error
    except UnidentifiedImageError as error:
        # Pillow's message names the address of a Python object.
        raise ImageRefusedError(
            RefusalReason.BROKEN_IMAGE,
            f"starts as {format_name} but its header cannot be read; send the whole, undamaged file",
        ) from error
    except Exception as error:
        raise ImageRefusedError(
            RefusalReason.BROKEN_IMAGE,
            f"{format_name}: {error or type(error).__name__}; send the whole, undamaged file",
        ) from error
