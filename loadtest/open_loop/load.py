"""What is to be sent, to whom and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from loadtest.payloads import Photo


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAddress:
    """Whom to call, and how.

    Attributes:
        url: `http://host:8000`, `grpc://host:8001`; with TLS `https://`, `grpcs://`.
        model: the model to call; it must have the tensors of `detect`.
        headers: sent with every request.
        ca_certificate: PEM file of the authorities to trust instead of the system's.
    """

    url: str
    model: str = "detect"
    headers: Mapping[str, str] = field(default_factory=dict)
    ca_certificate: str | None = None

    @property
    def is_grpc(self) -> bool:
        """Whether the protocol is gRPC."""
        return self.url.startswith("grpc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """All requests of a run, or the share of one worker.

    Attributes:
        address: whom to call.
        photos: what can be sent.
        scheduled_s: when each request is due, in seconds since the start of the load, ascending.
        photo_of: index of the photo of each request.
        stamp_of: number that makes the bytes of each request unique, or equal to those of another one.
        salt: 8 bytes that differ from run to run, so that no run meets a response cache filled by an earlier one.
        timeout_s: time after which a request has failed.
        max_in_flight: requests that may be on their way at a time; those due beyond it are not sent.
        connections: how many are opened before the load begins.
    """

    address: ServerAddress
    photos: tuple[Photo, ...]
    scheduled_s: NDArray[np.float64]
    photo_of: NDArray[np.int32]
    stamp_of: NDArray[np.int64]
    salt: bytes
    timeout_s: float
    max_in_flight: int
    connections: int

    def share_of(self, worker: int, workers: int) -> Load:
        """Return every `workers`-th request: together the workers make exactly this load."""
        return Load(
            address=self.address,
            photos=self.photos,
            scheduled_s=self.scheduled_s[worker::workers],
            photo_of=self.photo_of[worker::workers],
            stamp_of=self.stamp_of[worker::workers],
            salt=self.salt,
            timeout_s=self.timeout_s,
            max_in_flight=max(1, self.max_in_flight // workers),
            connections=max(1, self.connections // workers),
        )
