"""A distribution of durations, as the report keeps it."""

from __future__ import annotations

from dataclasses import dataclass

# The keys of `LatencySummary.percentiles`, in this order.
PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencySummary:
    """Durations of the measured window, in milliseconds.

    Attributes:
        count: how many durations.
        mean_ms: their mean; None without any.
        min_ms: the smallest; None without any.
        max_ms: the largest; None without any.
        percentiles: "50", "90", "95", "99", "99.9" and whatever else was judged -> milliseconds, exact (nearest rank
            over all samples, not read off the histogram); empty without any.
        histogram: all durations as an HdrHistogram of microseconds with 3 significant digits: V2 encoding, compressed,
            base64. `loadtest.histograms` reads it, as does every HdrHistogram library.
    """

    count: int
    mean_ms: float | None
    min_ms: float | None
    max_ms: float | None
    percentiles: dict[str, float]
    histogram: str
