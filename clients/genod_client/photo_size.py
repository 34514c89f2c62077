"""The size of an encoded photo, as far as it can be told without asking the server."""

from __future__ import annotations

import io

from genod_client.results import ImageSize

# What the server reads; the last one is unknown to older versions of Pillow, which then cannot tell.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF")
_EXIF_ORIENTATION = 0x0112
_TURNED_BY_90_DEGREES = frozenset({5, 6, 7, 8})


def upright_size(photo: bytes) -> ImageSize | None:
    """Return the size of a photo after its EXIF orientation is applied; None where Pillow cannot tell.

    A JPEG is not decoded for it. The other formats are, because PNG may hold its orientation behind the
    pixels, and TIFF turns itself upright as it is decoded.

    Args:
        photo: the bytes of an image file.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(photo), formats=_FORMATS) as image:
            if image.format == "TIFF":
                image.load()
            orientation = image.getexif().get(_EXIF_ORIENTATION)
            width, height = image.size
    except Exception:  # Pillow raises whatever its plugins meet; the server will say what is wrong
        return None
    return ImageSize(height, width) if orientation in _TURNED_BY_90_DEGREES else ImageSize(width, height)
