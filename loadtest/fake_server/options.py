"""What the fake server does, and when it stops doing it."""

from __future__ import annotations

from dataclasses import dataclass

from loadtest.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeServerOptions:
    """How the fake server behaves. Requests are counted from the first inference request on."""

    host: str = "127.0.0.1"
    """address to listen on"""
    http_port: int = 0
    """port for HTTP; 0 picks a free one"""
    grpc_port: int | None = None
    """port for gRPC; 0 picks a free one; without it there is no gRPC"""
    model: str = "detect"
    """name of the model that it serves"""
    service_ms: float = 1.0
    """time that every request takes of the one server; requests wait for it in one queue, first come, first served"""
    stall_after: int = 0
    """requests after which it stands still once, from the arrival of the next. 0 is never"""
    stall_s: float = 1.0
    """for how long"""
    error_rate: float = 0.0
    """share of requests that it answers with status 500, evenly spread"""
    max_queue_size: int = 0
    """requests that may wait; others are rejected as Triton does. 0 is any number"""
    dies_after: int = 0
    """requests after which the process ends without a word. 0 is never"""
    hangs_after: int = 0
    """requests after which it takes requests and never answers. 0 is never"""
    bad_answers_after: int = 0
    """requests after which its answers lack an output. 0 is never"""

    def __post_init__(self) -> None:
        if not 0 <= self.error_rate <= 1:
            raise UsageError(f"The error rate is a share between 0 and 1, not {self.error_rate}.")
        if self.service_ms < 0 or self.stall_s < 0:
            raise UsageError(f"Times are 0 or more, not {min(self.service_ms, self.stall_s)}.")
