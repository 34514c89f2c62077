"""How the mean latency that the client saw is made up: the generator's lag, the network, the server."""

from __future__ import annotations

from dataclasses import dataclass

from loadtest.results import RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientShare:
    """Means of the measured window, in milliseconds.

    Attributes:
        latency_ms: from the time at which a request was due to its complete answer.
        lag_ms: from then until it was sent: the generator's own.
        server_ms: in the server, as the server counts it.
        network_ms: the rest: network, protocol, and the client's own work on request and answer. A little below 0
            where the server still counted after its answer had left.
    """

    latency_ms: float
    lag_ms: float
    server_ms: float
    network_ms: float


def client_share(result: RunResult) -> ClientShare | None:
    """Return it; None where nothing was answered or the server does not say how long it took."""
    if result.stages is None or result.latency.mean_ms is None:
        return None
    server_ms = next((row.total_ms for row in result.stages.rows if row.model == result.model and row.requests), None)
    if server_ms is None:
        return None
    lag_ms = result.lag.mean_ms or 0.0
    return ClientShare(
        latency_ms=result.latency.mean_ms,
        lag_ms=lag_ms,
        server_ms=server_ms,
        network_ms=result.latency.mean_ms - lag_ms - server_ms,
    )
