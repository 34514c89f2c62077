"""The measured window in short pieces: what the confidence in a comparison is computed from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyBlock:
    """A piece of the measured window, by the time at which requests were due.

    Attributes:
        start_s: when it began, in seconds since the measured window began.
        duration_s: its length; the same for all blocks of a run.
        sent: requests which were due in it.
        histogram: latencies of those that were answered properly, as in `LatencySummary.histogram`.
    """

    start_s: float
    duration_s: float
    sent: int
    histogram: str
