"""Annotated pictures: boxes with their label chains."""

from __future__ import annotations

import colorsys
from pathlib import Path
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFont, ImageOps

from genod_client.cli.label_layout import Rectangle, place_label
from genod_client.errors import InvalidInputError
from genod_client.results import DetectedObject, Detections, ImageSize

Colour: TypeAlias = tuple[int, int, int]

JPEG_QUALITY = 90
SMALLEST_FONT_PX = 12
# Of the mean side of the picture: readable when it is shown at the width of a page.
FONT_SHARE = 1 / 40
LINE_SHARE = 1 / 300
GOLDEN_RATIO = 0.618034


def write_annotated(photo: str, detections: Detections, path: Path) -> Path:
    """Draw the objects of a photo and write the picture as JPEG.

    Args:
        photo: path of the photo.
        detections: what the server found in it.
        path: where to write.

    Returns:
        The path.

    Raises:
        InvalidInputError: the photo cannot be read, or the picture cannot be written.
    """
    picture = read_upright(photo, detections.image_size, done="Detected")
    draw_objects(picture, detections.objects())
    try:
        picture.save(path, format="JPEG", quality=JPEG_QUALITY)
    except OSError as error:
        raise InvalidInputError(f"Detected, but not drawn: cannot write {path}: {error}") from error
    return path


def read_upright(photo: str, size: ImageSize, *, done: str) -> Image.Image:
    """Return a photo as the server saw it: upright and RGB.

    Args:
        photo: path of the photo.
        size: what the server says of the upright photo.
        done: what did work, for the error: `Detected`.

    Raises:
        InvalidInputError: the photo cannot be read, or has another size.
    """
    try:
        with Image.open(photo) as file:
            picture = to_rgb(ImageOps.exif_transpose(file))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInputError(f"{done}, but not drawn: Pillow cannot open the photo: {error}") from error
    if picture.size != size:
        raise InvalidInputError(
            f"{done}, but not drawn: the server saw {size.width} × {size.height} pixels, "
            f"Pillow {picture.width} × {picture.height}. Did the file change meanwhile?"
        )
    return picture


def to_rgb(image: Image.Image) -> Image.Image:
    """Return an image as the server sees it: RGB, 16 bits scaled to 8, transparency on white."""
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("RGB")


def draw_objects(picture: Image.Image, objects: tuple[DetectedObject, ...]) -> None:
    """Draw boxes, then their labels above them all, into an RGB picture.

    Args:
        picture: drawn into.
        objects: by descending score: the best is drawn last, and gets its label's place first.
    """
    draw = ImageDraw.Draw(picture)
    mean_side = (picture.width + picture.height) / 2
    font = ImageFont.load_default(size=max(SMALLEST_FONT_PX, round(mean_side * FONT_SHARE)))
    line_px = max(2, round(mean_side * LINE_SHARE))
    for found in reversed(objects):
        draw.rectangle(found.box, outline=colour_of(found.detection.class_id), width=line_px)
    taken: list[Rectangle] = []
    for found in objects:
        background = colour_of(found.detection.class_id)
        text = _fitting_label(draw, found, font, picture.width - 2 * line_px)
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        size = (right - left + 2 * line_px, bottom - top + 2 * line_px)
        place = place_label(size, found.box, picture.size, taken)
        taken.append(place)
        draw.rectangle(place, fill=background)
        # textbbox includes the space between the line's top and the letters: take it off again.
        corner = (place.x1 + line_px - left, place.y1 + line_px - top)
        draw.text(corner, text, font=font, fill=_readable_on(background))


def colour_of(class_id: int) -> Colour:
    """Return a vivid colour that a class has in every picture; neighbouring ids get very different ones."""
    red, green, blue = colorsys.hsv_to_rgb(class_id * GOLDEN_RATIO % 1.0, 0.85, 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)


def _readable_on(background: Colour) -> Colour:
    # Luma of ITU-R BT.601: how bright the colour looks.
    luma = 0.299 * background[0] + 0.587 * background[1] + 0.114 * background[2]
    return (0, 0, 0) if luma > 128 else (255, 255, 255)


def _fitting_label(
    draw: ImageDraw.ImageDraw,
    found: DetectedObject,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    width_px: int,
) -> str:
    """Return the label with as many ancestors as fit into the picture's width."""
    names = list(found.label_chain)
    while True:
        label = f"{' < '.join(names)} {found.score:.2f}"
        if len(names) == 1 or draw.textlength(label, font=font) <= width_px:
            return label
        names.pop()
