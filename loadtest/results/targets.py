"""What is asked of the server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A limit on a percentile of the latency.

    Attributes:
        percentile: between 0 and 100, exclusive: 99 for p99.
        limit_ms: the percentile may be this high, not higher.
    """

    percentile: float
    limit_ms: float

    @property
    def name(self) -> str:
        """Return e.g. `p99` or `p99.9`."""
        return f"p{self.percentile:g}"

    def __str__(self) -> str:
        """Return e.g. `p99<=100ms`."""
        return f"{self.name}<={self.limit_ms:g}ms"
