"""`genod detect`: from arguments to photos, answers, pictures and a report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genod_client.cli.output_folder import make_output_folder
from genod_client.cli.progress import Progress
from genod_client.client import GenODClient
from genod_client.errors import GenODError
from genod_client.results import Detections


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one photo.

    Attributes:
        photo: the path as given or found.
        detections: the server's answer above the minimum score; None where there is none.
        picture: the annotated picture, where one was written.
        error: why something is missing.
    """

    photo: str
    detections: Detections | None = None
    picture: Path | None = None
    error: GenODError | None = None


def detect(
    arguments: Sequence[str],
    *,
    url: str,
    timeout_s: float,
    min_score: float,
    ensemble: str,
    as_json: bool,
    out_dir: Path | None,
) -> int:
    """Detect the objects in all photos and report on stdout.

    Args:
        arguments: photos, folders and patterns.
        url: address of the server.
        timeout_s: longest time for one photo, seconds.
        min_score: leave out detections with a lower score.
        ensemble: name of the ensemble to ask.
        as_json: print one JSON document instead of tables.
        out_dir: where to write annotated pictures; None for none.

    Returns:
        0 if every photo was answered (and drawn), else 1.

    Raises:
        InvalidInputError: the address or the output folder is wrong.
    """
    from genod_client.cli.photos import find_photos

    photos = find_photos(arguments)
    pictures = PictureNames(out_dir, photos) if out_dir is not None else None
    outcomes = []
    with GenODClient(url, model=ensemble, timeout_s=timeout_s) as client, Progress(total=len(photos)) as progress:
        for photo in photos:
            outcomes.append(_detect_photo(client, photo, min_score, pictures))
            progress.advance(photo)
    if as_json:
        from genod_client.cli.json_report import print_json

        print_json(outcomes, url=url, min_score=min_score)
    else:
        from genod_client.cli.table import print_tables

        print_tables(outcomes, min_score=min_score)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    for outcome in failed:
        print(f"genod: {outcome.photo}: {outcome.error}", file=sys.stderr)
    return 1 if failed else 0


def _detect_photo(client: GenODClient, photo: str, min_score: float, pictures: PictureNames | None) -> Outcome:
    detections = None
    try:
        detections = client.detect(photo).above(min_score)
        if pictures is None:
            return Outcome(photo, detections)
        from genod_client.cli.draw import write_annotated

        return Outcome(photo, detections, picture=write_annotated(photo, detections, pictures.take(photo)))
    except GenODError as error:
        return Outcome(photo, detections, error=error)


class PictureNames:
    """Gives every photo its own file name: `cat.png` becomes `cat.jpg` in the folder, another `cat-2.jpg`.

    Files of an earlier run are overwritten, but never one of the photos themselves.
    """

    def __init__(self, out_dir: Path, photos: Sequence[str]) -> None:
        """Make the folder.

        Raises:
            InvalidInputError: it cannot be made.
        """
        make_output_folder(out_dir)
        self._out_dir = out_dir
        self._taken = {Path(photo).resolve() for photo in photos}

    def take(self, photo: str) -> Path:
        """Return where the picture of a photo goes."""
        stem = Path(photo).stem
        path, number = self._out_dir / f"{stem}.jpg", 1
        while path.resolve() in self._taken:
            number += 1
            path = self._out_dir / f"{stem}-{number}.jpg"
        self._taken.add(path.resolve())
        return path
