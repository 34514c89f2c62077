"""A sheet of crops, each with the crops that are most like it, nearest first."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from genod_client.cli.crops import CROP_PX, Crop
from genod_client.cli.distance_colours import colour_of_distance, ink_on
from genod_client.cli.distance_matrix import fitted

NEIGHBOURS = 5

_GAP_PX = 14
_TEXT_PX = 40
_TITLE_PX = 40
_COLUMN_PX = CROP_PX + _GAP_PX
_ROW_PX = CROP_PX + _TEXT_PX + _GAP_PX
_BACKGROUND = (248, 248, 248)
_INK = (40, 40, 40)


def nearest_of(crop: Crop, crops: Sequence[Crop]) -> list[tuple[int, Crop]]:
    """Return the other crops by Hamming distance, (bits, crop); of equally near ones the earlier first.

    Raises:
        EmbedderMismatchError: the crops come from two versions of the embedder.
    """
    others = [(crop.embedded.hamming_distance(other.embedded), other) for other in crops if other is not crop]
    return sorted(others, key=lambda pair: pair[0])


def draw_nearest_sheet(queries: Sequence[Crop], crops: Sequence[Crop]) -> Image.Image:
    """Draw a row for each query: the crop itself, then the `NEIGHBOURS` crops nearest to it.

    Args:
        queries: the crops with a row.
        crops: all crops, the queries too.

    Raises:
        EmbedderMismatchError: the crops come from two versions of the embedder.
    """
    columns = 1 + min(NEIGHBOURS, len(crops) - 1)
    width = max(_GAP_PX + columns * _COLUMN_PX + _GAP_PX * 2, 480)
    picture = Image.new("RGB", (width, _TITLE_PX + len(queries) * _ROW_PX), _BACKGROUND)
    draw = ImageDraw.Draw(picture)
    title, small = (ImageFont.load_default(size=size) for size in (18, 13))
    draw.text((_GAP_PX, 10), "Each crop, and what looks most like it: bits of 256 that differ", font=title, fill=_INK)
    for row, query in enumerate(queries):
        y = _TITLE_PX + row * _ROW_PX
        _draw_crop(picture, draw, query, (_GAP_PX, y), small)
        # A line between the question and its answers.
        x = _GAP_PX + _COLUMN_PX
        draw.line((x, y, x, y + CROP_PX), fill=(170, 170, 170), width=2)
        for column, (distance, crop) in enumerate(nearest_of(query, crops)[:NEIGHBOURS]):
            place = (x + _GAP_PX + column * _COLUMN_PX, y)
            _draw_crop(picture, draw, crop, place, small)
            _draw_distance(draw, distance, place)
    return picture


def _draw_crop(
    picture: Image.Image,
    draw: ImageDraw.ImageDraw,
    crop: Crop,
    place: tuple[int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    x, y = place
    offset = ((CROP_PX - crop.picture.width) // 2, (CROP_PX - crop.picture.height) // 2)
    picture.paste(crop.picture, (x + offset[0], y + offset[1]))
    for line, text in enumerate(filter(None, (crop.label, crop.name))):
        draw.text((x, y + CROP_PX + 3 + 17 * line), fitted(draw, text, font, CROP_PX), font=font, fill=_INK)


def _draw_distance(draw: ImageDraw.ImageDraw, distance_bits: int, place: tuple[int, int]) -> None:
    x, y = place
    font = ImageFont.load_default(size=16)
    draw.rounded_rectangle((x, y, x + 44, y + 24), radius=5, fill=colour_of_distance(distance_bits))
    draw.text((x + 22, y + 12), str(distance_bits), font=font, fill=ink_on(distance_bits), anchor="mm")
