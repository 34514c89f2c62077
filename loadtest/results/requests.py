"""What became of the requests: errors by kind, one row per second, and the slowest ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["warmup", "measured", "unjudged", "cooldown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCount:
    """Failed requests of the measured window with one cause.

    Attributes:
        kind: name of the error in `genod_client.errors`, e.g. `UnavailableError`; `NotSent` where the generator had no
            room left for the request.
        message: what the first of them said.
        count: how many.
        first_at_s: when the first of them was due, in seconds since the start of the load (warm-up included).
    """

    kind: str
    message: str
    count: int
    first_at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """One second of the load, by the time at which requests were due.

    Attributes:
        second: seconds since the start of the load, warm-up included.
        phase: only `measured` seconds are judged; `unjudged` is a stretch of the profile that is not, e.g. an overload.
            A phase that changes within a second has a row on either side.
        sent: requests which were due in it.
        completed: those of them that were answered properly.
        errors: those of them that were not.
        p50_ms: of the completed ones; None without any.
        p99_ms: the same.
        max_ms: the same.
    """

    second: int
    phase: Phase
    sent: int
    completed: int
    errors: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRequest:
    """One of the slowest requests of the measured window.

    Attributes:
        scheduled_at_s: when it was due, in seconds since the start of the load.
        latency_ms: from then to the complete answer.
        lag_ms: the part of it that the generator itself is to blame for: from when it was due to when it was sent.
        payload: which photo, e.g. a file name.
        stages_ms: stage -> milliseconds, where a trace of the server was read.
    """

    scheduled_at_s: float
    latency_ms: float
    lag_ms: float
    payload: str
    stages_ms: dict[str, float] | None = None
