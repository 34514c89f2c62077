"""A single request, as the server itself has timed it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceStep:
    """What one model did for the request, in milliseconds.

    Attributes:
        model: its name.
        version: its version.
        start_ms: when it was asked, since the request's arrival.
        queue_ms: waiting for an instance and for batch mates.
        input_ms: gathering inputs.
        infer_ms: computing.
        output_ms: handing out outputs.
        total_ms: from being asked to being done.
    """

    model: str
    version: str
    start_ms: float
    queue_ms: float
    input_ms: float
    infer_ms: float
    output_ms: float
    total_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowTrace:
    """A request that took the server long.

    Attributes:
        model: the model that was called.
        version: its version.
        request_id: the caller's name of the request; empty where it gave none.
        total_ms: from arrival to being done, inside the server.
        steps: by `start_ms`; empty for a model that is no ensemble, beside itself.
    """

    model: str
    version: str
    request_id: str
    total_ms: float
    steps: tuple[TraceStep, ...]
