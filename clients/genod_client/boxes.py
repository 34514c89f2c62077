"""Boxes of callers: judged before anything is sent, with the row that is wrong."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from genod_client.errors import InvalidInputError
from genod_client.results import Box, DetectedObject, Detection, ImageSize

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genod_client.embedding_results import Embedded

    BoxInput: TypeAlias = Box | Sequence[float] | Detection | DetectedObject | Embedded
    BoxesInput: TypeAlias = Iterable[BoxInput] | NDArray[np.floating[Any] | np.integer[Any]]

_FLOAT32 = struct.Struct("<4f")
_SHAPE = "a box is four numbers, x1, y1, x2, y2, in pixels of the upright photo"


def read_boxes(boxes: BoxesInput) -> tuple[Box, ...]:
    """Return boxes as they will be sent, in float32, each finite and with an area.

    Args:
        boxes: each a `Box`, four numbers or something that has a `box`; or an array of shape (N, 4).

    Raises:
        InvalidInputError: there is none, or one is not finite, has no area or is no box at all.
    """
    try:
        rows = list(boxes)
    except TypeError as error:
        raise InvalidInputError(f"Boxes come in a list; {_SHAPE}; not {type(boxes).__name__}.") from error
    if not rows:
        raise InvalidInputError(
            "There are no boxes, so there is nothing to embed. `visual_search` finds the objects by itself."
        )
    return tuple(_read_box(row, box) for row, box in enumerate(rows))


def require_within(boxes: Iterable[Box], size: ImageSize) -> None:
    """Refuse boxes that reach outside the photo: they were probably made for a photo of another size.

    Args:
        boxes: in pixels of the upright photo.
        size: of the upright photo.

    Raises:
        InvalidInputError: one does.
    """
    for row, box in enumerate(boxes):
        if box.x1 < 0 or box.y1 < 0 or box.x2 > size.width or box.y2 > size.height:
            raise InvalidInputError(
                f"boxes[{row}] = {_text(box)} reaches outside the upright photo of {size.width} × {size.height} "
                "pixels: clip it, or scale it to this size."
            )


def _read_box(row: int, box: Any) -> Box:
    coordinates = getattr(box, "box", box)
    try:
        if isinstance(coordinates, (str, bytes)):
            raise TypeError
        x1, y1, x2, y2 = (float(coordinate) for coordinate in coordinates)
    except (TypeError, ValueError) as error:
        hint = " A single box goes into a list, too." if isinstance(box, (int, float)) else ""
        raise InvalidInputError(f"boxes[{row}] = {box!r} is no box: {_SHAPE}.{hint}") from error
    try:
        read = Box(*_FLOAT32.unpack(_FLOAT32.pack(x1, y1, x2, y2)))
    except OverflowError:  # struct's word for what float32 cannot hold
        read = Box(math.inf, math.inf, math.inf, math.inf)
    if not all(math.isfinite(coordinate) for coordinate in read):
        raise InvalidInputError(f"boxes[{row}] = {_text((x1, y1, x2, y2))} is not finite: {_SHAPE}.")
    if read.x1 >= read.x2 or read.y1 >= read.y2:
        raise InvalidInputError(
            f"boxes[{row}] = {_text((x1, y1, x2, y2))} has no area: x1 < x2 and y1 < y2 are needed, "
            "where x2 and y2 are the other corner, not width and height."
        )
    return read


def _text(coordinates: Iterable[float]) -> str:
    return f"({', '.join(f'{coordinate:g}' for coordinate in coordinates)})"
