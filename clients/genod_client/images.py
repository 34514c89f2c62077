"""From whatever the caller has to the bytes of an image file, which is what the server takes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from genod_client.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    ImageInput: TypeAlias = (
        str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | NDArray[np.uint8]
    )

# Fast: the picture crosses one network once, and zlib's default 6 takes several times longer to save little.
PNG_COMPRESS_LEVEL = 1
# What PNG stores as it is; other modes are converted to RGB or RGBA, and those whose range of values PNG does
# not have are refused.
_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
_RGB_MODES = frozenset({"CMYK", "YCbCr", "HSV", "RGBX"})
_RGBA_MODES = frozenset({"RGBa", "PA"})
_ACCEPTED = "a path, the bytes of an image file, a binary file object, a PIL image or a uint8 array"


def encode_image(image: ImageInput) -> bytes:
    """Return an image as the bytes of an image file.

    Files and bytes are passed on untouched: the server decodes them, and it reads large JPEGs at reduced
    scale. Arrays and PIL images become PNG, which is lossless: the server sees exactly these pixels.

    Args:
        image: a path; the bytes of an image file; a file object opened for reading bytes; a PIL image, whose
            EXIF orientation is applied; or a uint8 array of shape (H, W), (H, W, 1), (H, W, 3) RGB or (H, W,
            4) RGBA.

    Raises:
        InvalidInputError: it is none of these, is empty, or cannot be read.
    """
    if isinstance(image, (bytes, bytearray, memoryview)):
        return _not_empty(bytes(image), "The image")
    if isinstance(image, (str, os.PathLike)):
        return _not_empty(_read_file(image), f"The file {os.fspath(image)!r}")
    # Asking sys.modules instead of importing: who holds an array or a PIL image has imported its package.
    if _is_instance(image, "PIL.Image", "Image"):
        return _encode_pil_image(image)  # type: ignore[arg-type]
    if _is_instance(image, "numpy", "ndarray"):
        return _encode_array(image)  # type: ignore[arg-type]
    read = getattr(image, "read", None)
    if callable(read):
        return _read_stream(read)
    raise InvalidInputError(f"An image must be {_ACCEPTED}, not {_type_name(image)}.")


def _read_file(path: str | os.PathLike[str]) -> bytes:
    if isinstance(path, str) and path.startswith(("http://", "https://", "data:")):
        raise InvalidInputError(f"Only local files are read, not addresses: fetch {path[:80]!r} and pass its bytes.")
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInputError(f"Cannot read the photo {os.fspath(path)!r}: {reason}.") from error


def _read_stream(read: Callable[[], Any]) -> bytes:
    content = read()
    if not isinstance(content, bytes):
        raise InvalidInputError(
            f"A file object must be opened for reading bytes (mode 'rb'), but it gave {_type_name(content)}."
        )
    return _not_empty(content, "The rest of the file object (its position may be at the end)")


def _not_empty(content: bytes, what: str) -> bytes:
    if not content:
        raise InvalidInputError(f"{what} is empty: 0 bytes.")
    return content


def _encode_array(array: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    if array.dtype != "uint8":
        raise InvalidInputError(
            f"An array must have dtype uint8 with values 0 to 255, not {array.dtype}: scale and convert it first."
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        hint = (
            " Move the channels last: array.transpose(1, 2, 0)."
            if array.ndim == 3 and array.shape[0] in (1, 3, 4)
            else ""
        )
        hint = " Send the images of a batch one by one, concurrently." if array.ndim == 4 else hint
        raise InvalidInputError(
            f"An array must have shape (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, not {array.shape}.{hint}"
        )
    return _encode_png(Image.fromarray(array))


def _encode_pil_image(image: Image.Image) -> bytes:
    from PIL import ImageOps

    if 0 in image.size:
        raise InvalidInputError(f"The PIL image has no pixels: its size is {image.size}.")
    try:
        upright = ImageOps.exif_transpose(image)
    except (OSError, SyntaxError) as error:  # PIL reads a file's pixels only now
        raise InvalidInputError(f"The PIL image cannot be decoded: {error}.") from error
    return _encode_png(upright)


def _encode_png(image: Image.Image) -> bytes:
    if image.mode not in _PNG_MODES:
        if image.mode not in _RGB_MODES | _RGBA_MODES:
            raise InvalidInputError(
                f"A PIL image of mode {image.mode!r} cannot be stored as PNG: convert it to 'L' or 'RGB' first."
            )
        image = image.convert("RGB" if image.mode in _RGB_MODES else "RGBA")
    png = io.BytesIO()
    image.save(png, format="PNG", compress_level=PNG_COMPRESS_LEVEL)
    return png.getvalue()


def _is_instance(value: object, module: str, name: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))


def _type_name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
