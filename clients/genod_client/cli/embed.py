"""`genod embed`: from arguments to photos, hashes, a report and pictures of what looks alike."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genod_client.cli.output_folder import make_output_folder
from genod_client.cli.progress import Progress
from genod_client.client import GenODClient
from genod_client.embedding_results import EmbeddedBox, Embeddings, FoundObject, VisualSearch
from genod_client.errors import GenODError, InvalidInputError
from genod_client.results import Box


@dataclass(frozen=True, slots=True)
class EmbedOutcome:
    """What came of one photo.

    Attributes:
        photo: the path as given or found.
        answer: of `visual_search` above the minimum score, or of `embed`; None where there is none.
        error: why something is missing.
    """

    photo: str
    answer: VisualSearch | Embeddings | None = None
    error: GenODError | None = None

    @property
    def rows(self) -> tuple[FoundObject | EmbeddedBox, ...]:
        """Objects or boxes of the photo, embedded."""
        return () if self.answer is None else tuple(self.answer)


def embed(
    arguments: Sequence[str],
    *,
    boxes: Sequence[Box],
    url: str,
    timeout_s: float,
    min_score: float,
    as_json: bool,
    out_dir: Path | None,
) -> int:
    """Embed parts of all photos and report on stdout.

    Args:
        arguments: photos, folders and patterns.
        boxes: what to embed in each photo; none for the objects that the server finds.
        url: address of the server.
        timeout_s: longest time for one photo, seconds.
        min_score: leave out objects with a lower score.
        as_json: print one JSON document instead of tables.
        out_dir: where to write pictures of what looks alike; None for none.

    Returns:
        0 if every photo was answered (and drawn), else 1.

    Raises:
        InvalidInputError: the address or the output folder is wrong.
    """
    from genod_client.cli.photos import find_photos

    photos = find_photos(arguments)
    if out_dir is not None:
        make_output_folder(out_dir)
    outcomes = []
    with (
        GenODClient(url, timeout_s=timeout_s) as client,
        Progress(total=len(photos), activity="embedding") as progress,
    ):
        for photo in photos:
            outcomes.append(_embed_photo(client, photo, boxes, min_score))
            progress.advance(photo)
    pictures, drawing_error = _draw(outcomes, out_dir)
    if as_json:
        from genod_client.cli.embed_json import print_json

        print_json(outcomes, url=url, min_score=None if boxes else min_score, pictures=pictures)
    else:
        from genod_client.cli.embed_table import print_tables

        print_tables(outcomes, min_score=min_score, pictures=pictures)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    for outcome in failed:
        print(f"genod: {outcome.photo}: {outcome.error}", file=sys.stderr)
    if drawing_error is not None:
        print(f"genod: {drawing_error}", file=sys.stderr)
    return 1 if failed or drawing_error is not None else 0


def _embed_photo(client: GenODClient, photo: str, boxes: Sequence[Box], min_score: float) -> EmbedOutcome:
    try:
        return EmbedOutcome(
            photo, client.embed(photo, boxes) if boxes else client.visual_search(photo).above(min_score)
        )
    except GenODError as error:
        return EmbedOutcome(photo, error=error)


def _draw(outcomes: Sequence[EmbedOutcome], out_dir: Path | None) -> tuple[list[Path], InvalidInputError | None]:
    """Write the pictures; return their paths and why some are missing."""
    if out_dir is None or not any(outcome.rows for outcome in outcomes):
        return [], None
    from genod_client.cli.crops import cut_crops
    from genod_client.cli.likeness_pictures import write_likeness_pictures

    try:
        crops = cut_crops([(outcome.photo, outcome.answer) for outcome in outcomes if outcome.answer is not None])
        return write_likeness_pictures(crops, out_dir, keep=[outcome.photo for outcome in outcomes]), None
    except InvalidInputError as error:
        return [], error
