"""Files of pairs: CSV with a header, `image` and `query` among its columns.

    image,query
    photos/0001.jpg,red apple
    photos/0001.jpg,fruit
    photos/0002.jpg,oat milk

`image` is a path, absolute or below the folder of images. A column `relevance`, a number from 0 (off-topic) to 4
(vital) that people gave, is used in the report alone. Other columns are carried along. A pair that is there twice
counts once.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.atomic_file import write_atomically
from training.embedder.after_training.errors import PairsError

MAX_RELEVANCE = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairs:
    """A file of pairs."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    """P rows, none of them a pair that was there before."""
    repeated: int
    """Rows that were left out because their pair was there before."""
    images: tuple[str, ...]
    """I different ones, as the file has them."""
    queries: tuple[str, ...]
    """Q different ones."""
    indices: npt.NDArray[np.int64]
    """[P, 2]: image, query"""
    relevance: npt.NDArray[np.float64] | None
    """[P], where the file has it; NaN where nobody gave it."""


def read_pairs(path: Path) -> Pairs:
    """Read a file of pairs.

    Raises:
        PairsError: it is no CSV of pairs; the message names the line.
        FileNotFoundError: there is none.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise PairsError(f"{path} is no text in UTF-8 ({error}): save it as CSV in UTF-8") from error
    reader = csv.DictReader(io.StringIO(text))
    columns = tuple(reader.fieldnames or ())
    missing = [name for name in ("image", "query") if name not in columns]
    if missing:
        raise PairsError(f"{path} must have a header with image and query, got {', '.join(columns) or 'nothing'}")
    rows: dict[tuple[str, str], dict[str, str]] = {}
    relevance: list[float] = []
    repeated = 0
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        if None in row or None in row.values():
            raise PairsError(f"{where} must have {len(columns)} fields, as the header has")
        pair = row["image"].strip(), row["query"].strip()
        if not pair[0] or not any(character.isalnum() for character in pair[1]):
            raise PairsError(f"{where} must have an image and a query with a letter or a digit, got {pair}")
        if pair in rows:
            repeated += 1
            continue
        rows[pair] = row
        if "relevance" in columns:
            relevance.append(_relevance(row["relevance"], where))
    if not rows:
        raise PairsError(f"{path} has a header but no pair: there is nothing to clean")
    images = {image: index for index, image in enumerate(dict.fromkeys(image for image, _ in rows))}
    queries = {query: index for index, query in enumerate(dict.fromkeys(query for _, query in rows))}
    return Pairs(
        columns=columns,
        rows=tuple(rows.values()),
        repeated=repeated,
        images=tuple(images),
        queries=tuple(queries),
        indices=np.array([(images[image], queries[query]) for image, query in rows], np.int64),
        relevance=np.array(relevance) if "relevance" in columns else None,
    )


def write_pairs(path: Path, columns: Sequence[str], rows: Iterable[dict[str, str]]) -> None:
    """Write rows with these columns as CSV, in one step."""
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, file.getvalue().encode())


def _relevance(text: str, where: str) -> float:
    if not text.strip():
        return float("nan")
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MAX_RELEVANCE:
        raise PairsError(f"{where}: relevance must be a number from 0 to {MAX_RELEVANCE:g} or empty, got {text!r}")
    return value
