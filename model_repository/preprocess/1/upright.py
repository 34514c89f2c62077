"""The EXIF orientation: how to turn stored pixels so that the picture stands upright."""

from typing import NamedTuple

from PIL import ExifTags, Image

Box = tuple[float, float, float, float]
"""left, top, right, bottom in pixels, the right and bottom edge excluded."""


class _Turn(NamedTuple):
    """One EXIF orientation, as Pillow's operation and as what becomes of the stored right and bottom edge."""

    method: Image.Transpose
    swaps_axes: bool
    """Width and height change places, before the mirroring below."""
    mirrors_x: bool
    mirrors_y: bool


# CIPA DC-008 (EXIF 2.32), tag 0x0112; 1 is upright already.
_TURNS = {
    2: _Turn(Image.Transpose.FLIP_LEFT_RIGHT, swaps_axes=False, mirrors_x=True, mirrors_y=False),
    3: _Turn(Image.Transpose.ROTATE_180, swaps_axes=False, mirrors_x=True, mirrors_y=True),
    4: _Turn(Image.Transpose.FLIP_TOP_BOTTOM, swaps_axes=False, mirrors_x=False, mirrors_y=True),
    5: _Turn(Image.Transpose.TRANSPOSE, swaps_axes=True, mirrors_x=False, mirrors_y=False),
    6: _Turn(Image.Transpose.ROTATE_270, swaps_axes=True, mirrors_x=True, mirrors_y=False),
    7: _Turn(Image.Transpose.TRANSVERSE, swaps_axes=True, mirrors_x=True, mirrors_y=True),
    8: _Turn(Image.Transpose.ROTATE_90, swaps_axes=True, mirrors_x=False, mirrors_y=True),
}


def exif_orientation(image: Image.Image) -> int:
    """Reads the orientation, 1 to 8, of an opened image.

    Returns:
        1 (upright) where there is none or the EXIF block is damaged: such a photo is still a photo.
    """
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except MemoryError:
        raise
    except Exception:  # the parser raises nearly any type on damaged bytes
        return 1
    return orientation if isinstance(orientation, int) and orientation in _TURNS else 1


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Turns a stored (width, height) upright. Applied twice it gives the stored size back."""
    turn = _TURNS.get(orientation)
    return (size[1], size[0]) if turn is not None and turn.swaps_axes else size


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turns stored pixels upright; an image that is upright comes back as it is, not copied."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn.method)


def turn_box_upright(box: Box, size: tuple[int, int], orientation: int) -> Box:
    """Turns a box of the stored pixels to where its content lies once upright.

    Args:
        box: A region of the stored image.
        size: Width and height of the stored image.
        orientation: EXIF orientation of the stored image.
    """
    turn = _TURNS.get(orientation)
    if turn is None:
        return box
    left, top, right, bottom = box
    width, height = upright_size(size, orientation)
    if turn.swaps_axes:
        left, top, right, bottom = top, left, bottom, right
    if turn.mirrors_x:
        left, right = width - right, width - left
    if turn.mirrors_y:
        top, bottom = height - bottom, height - top
    return left, top, right, bottom
