"""What the server itself counts: whether a model that does not answer us answers others."""

from __future__ import annotations

from serving.errors import ServingError
from serving.probes.triton_http import TritonHttp


def success_count(server: TritonHttp, model: str, *, timeout_s: float) -> int | None:
    """How many requests a model has answered since the server started, all its versions together.

    Args:
        server: The server to ask.
        model: Model or ensemble.
        timeout_s: How long the question may take.

    Returns:
        The count, or None where the server does not tell it.
    """
    try:
        answer = server.ask("GET", server.model_path(model, "stats"), timeout_s=timeout_s)
        if answer.status != 200:
            return None
        return sum(int(entry["inference_stats"]["success"]["count"]) for entry in answer.json()["model_stats"])
    except (ServingError, KeyError, TypeError, ValueError):
        return None
