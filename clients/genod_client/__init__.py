"""Detect objects in photos with a GenOD server.

Typical use::

    from genod_client import GenODClient

    with GenODClient("grpc://localhost:8001") as client:
        for found in client.detect("desk.jpg").objects(min_score=0.5):
            print(found, found.box)  # ESP8266 < development board < electronics 0.93 Box(x1=...
        mine, other = client.visual_search("desk.jpg")[0], client.visual_search("shelf.jpg")[0]
        print(mine.hamming_distance(other), "of 256 bits differ")

Everything public is here; the modules below may change.
"""

from typing import TYPE_CHECKING, Any

from genod_client.async_client import AsyncGenODClient
from genod_client.client import GenODClient
from genod_client.errors import (
    ClientClosedError,
    DeadlineExceededError,
    EmbedderMismatchError,
    EnsembleMissingError,
    GenODError,
    ImageRefusedError,
    InvalidInputError,
    ServerError,
    ServerOverloadedError,
    UnavailableError,
    UnexpectedResponseError,
)
from genod_client.results import Ancestor, Box, DetectedObject, Detection, Detections, ImageSize
from genod_client.retry import RetryPolicy
from genod_client.taxonomy import Taxonomy
from genod_client.version import __version__

if TYPE_CHECKING:
    from genod_client.embedding_results import Attribute, EmbeddedBox, Embeddings, FoundObject, VisualSearch
    from genod_client.visual_hash import VisualHash

__all__ = [
    "Ancestor",
    "AsyncGenODClient",
    "Attribute",
    "Box",
    "ClientClosedError",
    "DeadlineExceededError",
    "DetectedObject",
    "Detection",
    "Detections",
    "EmbeddedBox",
    "EmbedderMismatchError",
    "Embeddings",
    "EnsembleMissingError",
    "FoundObject",
    "GenODClient",
    "GenODError",
    "ImageRefusedError",
    "ImageSize",
    "InvalidInputError",
    "RetryPolicy",
    "ServerError",
    "ServerOverloadedError",
    "Taxonomy",
    "UnavailableError",
    "UnexpectedResponseError",
    "VisualHash",
    "VisualSearch",
    "__version__",
]

_MODULE_OF = {
    **dict.fromkeys(("Attribute", "EmbeddedBox", "Embeddings", "FoundObject", "VisualSearch"), "embedding_results"),
    "VisualHash": "visual_hash",
}
"""Imported at first use: they would take a fifth of this package's import time."""


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"genod_client.{_MODULE_OF[name]}"), name)
    return value
