"""A matrix of Hamming distances with the crops along its edges, what is alike side by side."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from genod_client.cli.crops import Crop
from genod_client.cli.distance_colours import HASH_BITS, colour_of_distance, ink_on

LARGEST_MATRIX = 24
"""Crops in a matrix that a screen can still show."""

_CELL_PX = 64
_EDGE_PX = 96
_LABEL_PX = 170
_TITLE_PX = 56
_MARGIN_PX = 12
_BACKGROUND = (248, 248, 248)
_INK = (40, 40, 40)


def order_by_likeness(crops: Sequence[Crop]) -> list[Crop]:
    """Begin with the first crop and go on to the nearest of the rest each time, so that kinds stay together.

    Raises:
        EmbedderMismatchError: the crops come from two versions of the embedder.
    """
    ordered, rest = [crops[0]], list(crops[1:])
    while rest:
        last = ordered[-1].embedded
        nearest = min(range(len(rest)), key=lambda index: last.hamming_distance(rest[index].embedded))
        ordered.append(rest.pop(nearest))
    return ordered


def draw_distance_matrix(crops: Sequence[Crop]) -> Image.Image:
    """Draw all distances of at most `LARGEST_MATRIX` crops.

    Raises:
        EmbedderMismatchError: the crops come from two versions of the embedder.
    """
    ordered = order_by_likeness(crops)
    count = len(ordered)
    left, top = _MARGIN_PX + _LABEL_PX + _EDGE_PX, _TITLE_PX + _EDGE_PX
    width = max(left + count * _CELL_PX + _MARGIN_PX, 620)
    picture = Image.new("RGB", (width, top + count * _CELL_PX + _MARGIN_PX), _BACKGROUND)
    draw = ImageDraw.Draw(picture)
    title, small, number = (ImageFont.load_default(size=size) for size in (18, 13, 17))
    draw.text((_MARGIN_PX, 8), f"Hamming distance: how many of {HASH_BITS} bits differ", font=title, fill=_INK)
    draw.text((_MARGIN_PX, 32), "dark: look alike     white: 128 or more, as random hashes", font=small, fill=_INK)
    for index, crop in enumerate(ordered):
        x, y = left + index * _CELL_PX, top + index * _CELL_PX
        _paste(picture, crop.picture, (x, top - _EDGE_PX, _CELL_PX, _EDGE_PX))
        _paste(picture, crop.picture, (left - _EDGE_PX, y, _EDGE_PX, _CELL_PX))
        for line, text in enumerate(filter(None, (crop.label, crop.name))):
            draw.text((_MARGIN_PX, y + 14 + 18 * line), fitted(draw, text, small, _LABEL_PX), font=small, fill=_INK)
        for other, crop_below in enumerate(ordered):
            distance = crop_below.embedded.hamming_distance(crop.embedded)
            cell_y = top + other * _CELL_PX
            cell = (x, cell_y, x + _CELL_PX - 2, cell_y + _CELL_PX - 2)
            draw.rectangle(cell, fill=colour_of_distance(distance))
            middle = (x + _CELL_PX / 2 - 1, cell_y + _CELL_PX / 2 - 1)
            draw.text(middle, str(distance), font=number, fill=ink_on(distance), anchor="mm")
    return picture


def fitted(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width_px: int
) -> str:
    """Return a text, shortened with an ellipsis where it is wider than `width_px`."""
    if draw.textlength(text, font=font) <= width_px:
        return text
    while text and draw.textlength(f"{text}...", font=font) > width_px:
        text = text[:-1]
    return f"{text}..."


def _paste(picture: Image.Image, crop: Image.Image, place: tuple[int, int, int, int]) -> None:
    """Paste a crop into the middle of a place (x, y, width, height), as large as fits."""
    x, y, width, height = place
    scale = min((width - 6) / crop.width, (height - 6) / crop.height)
    small = crop.resize((max(1, round(crop.width * scale)), max(1, round(crop.height * scale))))
    picture.paste(small, (x + (width - small.width) // 2, y + (height - small.height) // 2))
