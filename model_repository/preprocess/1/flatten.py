"""Pixels of any kind, made 8-bit RGB or 8-bit gray, with transparency laid on white."""

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin

from image_refused import ImageRefusedError, RefusalReason

_WHITE = (255, 255, 255)
_WHITE_IS_ZERO = 0  # TIFF 6.0, tag PhotometricInterpretation


def flatten(image: Image.Image) -> Image.Image:
    """Makes an image opaque and 8 bits deep.

    Colours are taken as sRGB: embedded ICC profiles are not applied.

    Args:
        image: A loaded image of any mode Pillow decodes.

    Returns:
        An image of mode ``RGB`` or ``L``. Gray stays one channel, since it resizes three times faster and
        to the same values.

    Raises:
        ImageRefusedError: ``unsupported_format``, for pixels with no defined white: 32-bit integers, floats.
    """
    if image.mode.startswith("I;16"):
        image = _sixteen_to_eight_bits(image)
    if image.has_transparency_data:
        return _lay_on_white(image)
    if image.mode in ("RGB", "L"):
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("I", "F"):
        raise ImageRefusedError(
            RefusalReason.UNSUPPORTED_FORMAT,
            f"pixels of {'32-bit integers' if image.mode == 'I' else 'floats'}, which have no defined white; "
            "convert the image to 8 or 16 bits gray or RGB",
        )
    # CMYK of JPEG is read as Adobe writes it, inverted, with or without Adobe's marker: so do browsers.
    return image.convert("RGB")


def _sixteen_to_eight_bits(image: Image.Image) -> Image.Image:
    """Scales 16-bit gray to 8 bits; Pillow's own conversion clips at 255 instead.

    The high byte is taken, as Pillow does for 16-bit RGB while it decodes: a picture stored as gray and the
    same picture stored as RGB come out equal.
    """
    levels = np.asarray(image)
    white_is_zero = False
    bits = 16
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = image.tag_v2.get(ExifTags.Base.BitsPerSample, (16,))[0]  # 12 bits come unscaled too
        white_is_zero = image.tag_v2.get(ExifTags.Base.PhotometricInterpretation) == _WHITE_IS_ZERO
    gray = Image.fromarray((levels >> (bits - 8)).astype(np.uint8))
    if white_is_zero:
        return gray.point(lambda level: 255 - level)
    transparent_level = image.info.get("transparency")  # PNG's tRNS: the one level, of 16 bits, that is transparent
    if transparent_level is None:
        return gray
    opacity = Image.fromarray(np.where(levels == transparent_level, 0, 255).astype(np.uint8))
    return Image.merge("LA", (gray, opacity))


def _lay_on_white(image: Image.Image) -> Image.Image:
    transparent_colour = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(transparent_colour, tuple) and max(transparent_colour) > 255:
        # A 16-bit PNG names its transparent colour in 16 bits, while Pillow has kept the pixels' high bytes.
        image.info["transparency"] = tuple(level >> 8 for level in transparent_colour)
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")  # Pillow would copy it: 4 bytes a pixel
    on_white = Image.new("RGB", rgba.size, _WHITE)
    on_white.paste(rgba, mask=rgba)
    return on_white
