"""One server with constant service times and one queue: with Poisson arrivals, M/D/1."""

from __future__ import annotations


class SingleServerQueue:
    """Says when requests are done. First come, first served."""

    def __init__(self, *, service_s: float) -> None:
        """Start with an empty queue.

        Args:
            service_s: what each request takes of the server.
        """
        self._service_s = service_s
        self._free_at_s = float("-inf")

    def stall(self, at_s: float, for_s: float) -> None:
        """Stand still after what is queued by then: what comes from now on is done that much later."""
        self._free_at_s = max(self._free_at_s, at_s) + for_s

    def admit(self, arrival_s: float) -> float:
        """Queue a request and return when it is done; arrivals must not go back in time."""
        self._free_at_s = max(arrival_s, self._free_at_s) + self._service_s
        return self._free_at_s
