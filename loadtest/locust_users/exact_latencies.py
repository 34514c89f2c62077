"""Every latency of a test, to the microsecond, mergeable over worker processes.

Locust keeps two digits: 99.6 ms and 104.9 ms are both 100 to it, so a p99 limit of 100 ms cannot be judged by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loadtest.histograms import summarize
from loadtest.results import LatencySummary


@dataclass(slots=True)
class ErrorTally:
    """Failed requests with one cause.

    Attributes:
        count: how many.
        message: what the first of them said.
        first_at_s: when that one began, in seconds since the start of the test.
    """

    count: int
    message: str
    first_at_s: float


@dataclass(slots=True)
class ExactLatencies:
    """Requests of the judged part of a test.

    Attributes:
        counts_by_us: latency in whole microseconds -> how many answered requests had it.
        errors: kind -> failed requests.
        ignored: requests of warm-up and unjudged stretches.
    """

    counts_by_us: Counter[int] = field(default_factory=Counter)
    errors: dict[str, ErrorTally] = field(default_factory=dict)
    ignored: int = 0

    @property
    def answered(self) -> int:
        """How many judged requests were answered."""
        return self.counts_by_us.total()

    @property
    def failed(self) -> int:
        """How many judged requests failed."""
        return sum(error.count for error in self.errors.values())

    def record(self, latency_ms: float) -> None:
        """Count an answered request."""
        self.counts_by_us[round(1e3 * latency_ms)] += 1

    def record_error(self, kind: str, message: str, at_s: float) -> None:
        """Count a failed request."""
        self._add_error(kind, ErrorTally(1, message, at_s))

    def take(self) -> ExactLatencies:
        """Return everything recorded so far, and begin anew: what a worker has yet to report."""
        taken = ExactLatencies(self.counts_by_us, self.errors, self.ignored)
        self.counts_by_us, self.errors, self.ignored = Counter(), {}, 0
        return taken

    def merge(self, other: ExactLatencies) -> None:
        """Add what another process has counted."""
        self.counts_by_us.update(other.counts_by_us)
        for kind, error in other.errors.items():
            self._add_error(kind, error)
        self.ignored += other.ignored

    def to_message(self) -> dict[str, Any]:
        """Return plain values, as Locust sends them between processes."""
        return {
            "us": list(self.counts_by_us),
            "counts": list(self.counts_by_us.values()),
            "errors": [[kind, error.count, error.message, error.first_at_s] for kind, error in self.errors.items()],
            "ignored": self.ignored,
        }

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> ExactLatencies:
        """Read what `to_message` returned."""
        return cls(
            Counter(dict(zip(message["us"], message["counts"], strict=True))),
            {kind: ErrorTally(count, text, at_s) for kind, count, text, at_s in message["errors"]},
            message["ignored"],
        )

    def milliseconds(self) -> NDArray[np.float64]:
        """Return the latency of every answered request, ascending."""
        values_us = sorted(self.counts_by_us)
        return np.repeat(np.asarray(values_us, dtype=np.float64) / 1e3, [self.counts_by_us[us] for us in values_us])

    def summary(self, percentiles: tuple[float, ...] = ()) -> LatencySummary:
        """Return the distribution of the answered requests, with the usual percentiles and these."""
        return summarize([self.milliseconds()], percentiles)

    def _add_error(self, kind: str, error: ErrorTally) -> None:
        if (known := self.errors.get(kind)) is None:
            self.errors[kind] = error
            return
        known.count += error.count
        if error.first_at_s < known.first_at_s:
            known.first_at_s, known.message = error.first_at_s, error.message
