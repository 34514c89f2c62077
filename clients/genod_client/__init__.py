"""Detect objects in photos with a GenOD server.

Typical use::

    from genod_client import GenODClient

    with GenODClient("grpc://localhost:8001") as client:
        for found in client.detect("desk.jpg").objects(min_score=0.5):
            print(found, found.box)  # ESP8266 < development board < electronics 0.93 Box(x1=...

Everything public is here; the modules below may change.
"""

from genod_client.async_client import AsyncGenODClient
from genod_client.client import GenODClient
from genod_client.errors import (
    ClientClosedError,
    DeadlineExceededError,
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

__all__ = [
    "Ancestor",
    "AsyncGenODClient",
    "Box",
    "ClientClosedError",
    "DeadlineExceededError",
    "DetectedObject",
    "Detection",
    "Detections",
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
    "__version__",
]
