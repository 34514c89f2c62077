"""The pictures of `genod embed --out`: what looks like what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from genod_client.cli.crops import Crop
from genod_client.cli.distance_matrix import LARGEST_MATRIX, draw_distance_matrix
from genod_client.cli.nearest_sheet import draw_nearest_sheet
from genod_client.errors import EmbedderMismatchError, InvalidInputError

CROPS_PER_SHEET = 40


def write_likeness_pictures(crops: Sequence[Crop], out_dir: Path, *, keep: Iterable[str]) -> list[Path]:
    """Write `nearest.png`, each crop with those most like it, and `distances.png`, all against all.

    Many crops make several sheets, `nearest-2.png` and so on, and no matrix: nobody could read it.

    Args:
        crops: at least one.
        out_dir: an existing folder.
        keep: photos that are not to be overwritten.

    Returns:
        The paths written.

    Raises:
        InvalidInputError: a picture cannot be written, or would overwrite a photo, or the crops come from two
            versions of the embedder.
    """
    kept = {Path(photo).resolve() for photo in keep}
    written = []
    try:
        for number, start in enumerate(range(0, len(crops), CROPS_PER_SHEET), start=1):
            sheet = draw_nearest_sheet(crops[start : start + CROPS_PER_SHEET], crops)
            written.append(_write(sheet, out_dir / ("nearest.png" if number == 1 else f"nearest-{number}.png"), kept))
        if 2 <= len(crops) <= LARGEST_MATRIX:
            written.append(_write(draw_distance_matrix(crops), out_dir / "distances.png", kept))
    except EmbedderMismatchError as error:
        raise InvalidInputError(
            f"Embedded, but not drawn: the release changed between two photos. {error} Run it again."
        ) from error
    return written


def _write(picture: Image.Image, path: Path, kept: set[Path]) -> Path:
    if path.resolve() in kept:
        raise InvalidInputError(f"Embedded, but not drawn: {path} is one of the photos. Choose another --out.")
    try:
        picture.save(path, format="PNG")
    except OSError as error:
        raise InvalidInputError(f"Embedded, but not drawn: cannot write {path}: {error}") from error
    return path
