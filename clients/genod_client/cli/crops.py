"""What was embedded, cut out of the photos to look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image

from genod_client.cli.draw import read_upright
from genod_client.cli.photo_crop_names import crop_names
from genod_client.embedding_results import Embedded, Embeddings, FoundObject, VisualSearch

CROP_PX = 160
"""Longer side of a kept crop: pictures show them at this size or smaller."""


@dataclass(frozen=True, slots=True)
class Crop:
    """An embedded part of a photo.

    Attributes:
        name: what the report calls it, e.g. `desk.jpg 2`.
        label: what it is: the class and its score, or the best attribute; may be empty.
        embedded: with its hash.
        picture: RGB, at most `CROP_PX` long.
    """

    name: str
    label: str
    embedded: Embedded
    picture: Image.Image


def label_of(row: Embedded) -> str:
    """Return what a row is, in a few words: e.g. `cat 0.93`; empty for a box without attributes."""
    if isinstance(row, FoundObject):
        return f"{row.name} {row.score:.2f}"
    attributes = getattr(row, "attributes", ())
    best = max(attributes, key=lambda attribute: attribute.score, default=None)
    return "" if best is None else f"{best.name} {best.score:.2f}"


def cut_crops(answers: Iterable[tuple[str, VisualSearch | Embeddings]]) -> list[Crop]:
    """Cut everything that was embedded out of its photo.

    Args:
        answers: (path of the photo, answer) pairs.

    Raises:
        InvalidInputError: a photo cannot be read again.
    """
    crops = []
    for photo, answer in answers:
        if not len(answer):
            continue
        upright = read_upright(photo, answer.image_size, done="Embedded")
        for name, row in zip(crop_names(photo, len(answer)), answer, strict=True):
            crops.append(Crop(name, label_of(row), row, _cut(upright, row)))
    return crops


def _cut(upright: Image.Image, row: Embedded) -> Image.Image:
    x1, y1, x2, y2 = row.box
    left, top = min(int(x1), upright.width - 1), min(int(y1), upright.height - 1)
    right, bottom = max(left + 1, round(x2)), max(top + 1, round(y2))
    cut = upright.crop((left, top, min(right, upright.width), min(bottom, upright.height)))
    scale = CROP_PX / max(cut.size)
    return cut.resize((max(1, round(cut.width * scale)), max(1, round(cut.height * scale))), Image.Resampling.LANCZOS)
