"""The questions, free of any protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

# Parsed JSON in Triton's own words. Over gRPC, integers of 64 bits arrive as strings: read them with `int`.
Json: TypeAlias = dict[str, Any]


class TritonApi(Protocol):
    """Asks one server. Every method raises ServerApiError when there is no answer, or a refusal."""

    def server_metadata(self) -> Json:
        """Return `name`, `version` and `extensions`."""
        ...

    def statistics(self) -> list[Json]:
        """Return an entry for each loaded version of each model."""
        ...

    def model_metadata(self, model: str) -> Json:
        """Return `name`, `versions`, `platform`, `inputs` and `outputs`."""
        ...

    def model_config(self, model: str, version: str = "") -> Json:
        """Return the configuration as the server has completed it; without a version, that of the newest."""
        ...

    def trace_settings(self, model: str) -> Mapping[str, Sequence[str]]:
        """Return the trace settings of a model: name -> values."""
        ...

    def update_trace_settings(self, model: str, settings: Mapping[str, Sequence[str]]) -> None:
        """Change trace settings of a model; a name without values returns to the server's own."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...
