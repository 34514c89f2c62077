"""Which ensembles a server has."""

from __future__ import annotations

from serving.errors import ServiceBrokenError
from serving.probes.triton_http import TritonHttp


def find_ensembles(http_url: str, *, timeout_s: float, server: TritonHttp | None = None) -> list[str]:
    """Ask a server for the names of its ensembles.

    Args:
        http_url: ``host:port`` of HTTP.
        timeout_s: How long each question may take.
        server: How to reach it, instead of ``http_url``.

    Returns:
        Names, in the server's order.

    Raises:
        ServiceBrokenError: The server does not answer, or refuses these questions.
    """
    server = server or TritonHttp(http_url)
    try:
        index = server.ask("POST", "/v2/repository/index", timeout_s=timeout_s)
        if index.status != 200:
            raise ServiceBrokenError(index.error)
        names = [str(entry["name"]) for entry in index.json() if entry.get("state") == "READY"]
        return [name for name in names if _is_ensemble(server, name, timeout_s)]
    except ServiceBrokenError as error:
        raise ServiceBrokenError(f"the server at {http_url} does not answer: {error}") from error


def _is_ensemble(server: TritonHttp, name: str, timeout_s: float) -> bool:
    config = server.ask("GET", server.model_path(name, "config"), timeout_s=timeout_s)
    return config.status == 200 and config.json().get("platform") == "ensemble"
