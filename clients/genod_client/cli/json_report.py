"""The report for programs: one JSON document.

::

    {
      "schema": "genod.detect/1",          changes when a field changes its meaning or goes away
      "client_version": "0.1.0",
      "url": "grpc://localhost:8001",
      "min_score": 0.5,
      "photos": [                          in the order of the arguments
        {
          "photo": "desk.jpg",
          "model_version": "1",            null without an answer, as image_size and detections
          "image_size": {"width": 640, "height": 480},
          "detections": [                  every row, propagated copies included, by descending score
            {
              "class_id": 83,
              "name": "ESP8266",
              "ancestors": [{"class_id": 87, "name": "development board"}, ...],   specific to general
              "score": 0.93,               every float32 of the server exactly, as a double
              "box": {"x1": 1.5, "y1": 2.0, "x2": 30.25, "y2": 40.0},   pixels of the upright photo
              "is_propagated": false
            }
          ],
          "picture": "out/desk.jpg",       null where none was written
          "error": null                    or {"type": "ImageRefusedError", "message": "...",
        }                                      "reason": "broken_image"}; reason is null for other types
      ]
    }

Two reports of the same photos over gRPC and HTTP differ in `url` and nothing else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from genod_client.errors import GenODError, ImageRefusedError
from genod_client.results import Detection
from genod_client.version import __version__

if TYPE_CHECKING:
    from genod_client.cli.detect import Outcome

SCHEMA = "genod.detect/1"


def print_json(outcomes: Iterable[Outcome], *, url: str, min_score: float) -> None:
    """Print the document on stdout."""
    report = {
        "schema": SCHEMA,
        "client_version": __version__,
        "url": url,
        "min_score": min_score,
        "photos": [_photo(outcome) for outcome in outcomes],
    }
    json.dump(report, sys.stdout, indent=2, allow_nan=False)
    print()


def _photo(outcome: Outcome) -> dict[str, Any]:
    answer = outcome.detections
    return {
        "photo": outcome.photo,
        "model_version": None if answer is None else answer.model_version,
        "image_size": None if answer is None else answer.image_size._asdict(),
        "detections": None if answer is None else [_detection(row) for row in answer],
        "picture": None if outcome.picture is None else str(outcome.picture),
        "error": None if outcome.error is None else error_as_json(outcome.error),
    }


def _detection(detection: Detection) -> dict[str, Any]:
    return {
        "class_id": detection.class_id,
        "name": detection.name,
        "ancestors": [ancestor._asdict() for ancestor in detection.ancestors],
        "score": detection.score,
        "box": detection.box._asdict(),
        "is_propagated": detection.is_propagated,
    }


def error_as_json(error: GenODError) -> dict[str, Any]:
    """Return an error as all reports spell it."""
    reason = error.reason if isinstance(error, ImageRefusedError) else None
    return {"type": type(error).__name__, "message": str(error), "reason": reason}
