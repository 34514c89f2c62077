"""One step of a search over rates."""

from __future__ import annotations

from dataclasses import dataclass

from loadtest.results.verdict import VerdictName


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepStep:
    """One rate that was tried.

    Attributes:
        rate_per_s: offered requests per second.
        achieved_per_s: properly answered requests per second of the measured window.
        duration_s: length of the measured window.
        attempt: 1, or 2 where a step that missed was repeated.
        verdict: of this step alone.
        line: its verdict in words.
        count: judged samples.
        mean_ms: mean latency; None without an answer.
        percentiles: as in `LatencySummary`.
        lag_p99_ms: the generator's own lag; None without a request.
        errors: failed requests.
    """

    rate_per_s: float
    achieved_per_s: float
    duration_s: float
    attempt: int
    verdict: VerdictName
    line: str
    count: int
    mean_ms: float | None
    percentiles: dict[str, float]
    lag_p99_ms: float | None
    errors: int
