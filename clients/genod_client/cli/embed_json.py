"""The report of `genod embed` for programs: one JSON document.

::

    {
      "schema": "genod.embed/1",           changes when a field changes its meaning or goes away
      "client_version": "0.1.0",
      "url": "grpc://localhost:8001",
      "min_score": 0.5,                    null where --box said what to embed
      "photos": [                          in the order of the arguments
        {
          "photo": "desk.jpg",
          "model_version": "1",            null without an answer, as the next three
          "embedder_version": "5e0f...",   hashes of two versions are never compared
          "image_size": {"width": 640, "height": 480},
          "objects": [                     by descending score; the boxes of --box in their order
            {
              "box": {"x1": 1.5, "y1": 2.0, "x2": 30.25, "y2": 40.0},   pixels of the upright photo
              "hash": "9f03...",           64 hexadecimal digits, 256 bits
              "embedding": [0.01, ...],    every float32 of the server exactly, as a double
              "class_id": 83,              this and the next three are null for --box
              "name": "ESP8266",
              "ancestors": [{"class_id": 87, "name": "development board"}, ...],   specific to general
              "score": 0.93,
              "attributes": {"colour": [{"name": "red", "score": 0.8}, ...]}       null without --box
            }
          ],
          "error": null                    or {"type": "ImageRefusedError", "message": "...",
        }                                      "reason": "broken_image"}; reason is null for other types
      ],
      "pictures": ["out/nearest.png", "out/distances.png"]
    }

Two reports of the same photos over gRPC and HTTP differ in `url` and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genod_client.cli.json_report import error_as_json
from genod_client.embedding_results import EmbeddedBox, FoundObject
from genod_client.version import __version__

if TYPE_CHECKING:
    from genod_client.cli.embed import EmbedOutcome

SCHEMA = "genod.embed/1"

# A list of numbers as json.dumps indents it, one to a line. No string of a document spans lines.
_NUMBERS = re.compile(r"\[\n\s+([-+.\deE]+(?:,\n\s+[-+.\deE]+)*)\n\s+\]")


def print_json(
    outcomes: Iterable[EmbedOutcome], *, url: str, min_score: float | None, pictures: Sequence[Path]
) -> None:
    """Print the document on stdout."""
    report = {
        "schema": SCHEMA,
        "client_version": __version__,
        "url": url,
        "min_score": min_score,
        "photos": [_photo(outcome) for outcome in outcomes],
        "pictures": [str(picture) for picture in pictures],
    }
    print(numbers_on_one_line(json.dumps(report, indent=2, allow_nan=False)))


def numbers_on_one_line(indented: str) -> str:
    """Return an indented document with each list of numbers on one line: 400 lines for an embedding help nobody."""
    return _NUMBERS.sub(lambda match: f"[{' '.join(match[1].split())}]", indented)


def _photo(outcome: EmbedOutcome) -> dict[str, Any]:
    answer = outcome.answer
    return {
        "photo": outcome.photo,
        "model_version": None if answer is None else answer.model_version,
        "embedder_version": None if answer is None else answer.embedder_version,
        "image_size": None if answer is None else answer.image_size._asdict(),
        "objects": None if answer is None else [_object(row) for row in answer],
        "error": None if outcome.error is None else error_as_json(outcome.error),
    }


def _object(row: FoundObject | EmbeddedBox) -> dict[str, Any]:
    found = row if isinstance(row, FoundObject) else None
    return {
        "box": row.box._asdict(),
        "hash": row.hash.hex(),
        "embedding": row.embedding.tolist(),
        "class_id": None if found is None else found.class_id,
        "name": None if found is None else found.name,
        "ancestors": None if found is None else [ancestor._asdict() for ancestor in found.ancestors],
        "score": None if found is None else found.score,
        "attributes": _attributes(row) if isinstance(row, EmbeddedBox) else None,
    }


def _attributes(row: EmbeddedBox) -> dict[str, list[dict[str, Any]]]:
    heads = dict.fromkeys(attribute.head for attribute in row.attributes)
    return {
        head: [{"name": attribute.name, "score": attribute.score} for attribute in row.attributes_of(head)]
        for head in heads
    }
