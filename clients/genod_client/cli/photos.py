"""From the arguments of the command to the photos they stand for."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path

# What is taken from a folder: the formats of the server. A file that is named itself is sent whatever its
# name.
IMAGE_SUFFIXES = frozenset({".avif", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def find_photos(arguments: Iterable[str]) -> list[str]:
    """Return the photos that the arguments stand for, each once, in the order given.

    Args:
        arguments: files; folders, for the images directly in them, by name; patterns with `*`, `?`, `[...]`
            and `**`.

    Returns:
        Paths. An argument that stands for no photo is kept as it is: reading it will fail and say why, as one
        missing photo must not keep the others from being done.
    """
    photos: dict[str, None] = {}
    for argument in arguments:
        photos.update(dict.fromkeys(_photos_of(argument)))
    return list(photos)


def _photos_of(argument: str) -> list[str]:
    path = Path(argument)
    if path.is_dir():
        return [str(file) for file in sorted(path.iterdir()) if _is_image(file)] or [argument]
    if not path.exists() and glob.has_magic(argument):
        return sorted(found for found in glob.glob(argument, recursive=True) if Path(found).is_file()) or [argument]
    return [argument]


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith(".") and file.is_file()
