"""Over HTTP, with nothing but the standard library."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.parse import quote

from genod_client.endpoint import Endpoint
from loadtest.errors import ServerApiError
from loadtest.triton_api.api import Json


class HttpTritonApi:
    """Implements `TritonApi`."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        """Prepare; nothing is sent.

        Args:
            endpoint: the server.
            timeout_s: seconds for each answer.
        """
        self._base = f"{endpoint.scheme}://{endpoint.authority}{endpoint.path}"
        self._headers = dict(endpoint.headers)
        self._timeout_s = timeout_s
        certificate = endpoint.read_ca_certificate()
        context = ssl.create_default_context(cadata=certificate.decode("ascii") if certificate else None)
        # No proxy of the environment: that is meant for the internet, not for a server one names.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def server_metadata(self) -> Json:
        """Return `name`, `version` and `extensions`."""
        return self._ask("/v2")

    def statistics(self) -> list[Json]:
        """Return an entry for each loaded version of each model."""
        return list(self._ask("/v2/models/stats").get("model_stats", ()))

    def model_metadata(self, model: str) -> Json:
        """Return `name`, `versions`, `platform`, `inputs` and `outputs`."""
        return self._ask(f"/v2/models/{quote(model)}")

    def model_config(self, model: str, version: str = "") -> Json:
        """Return the configuration as the server has completed it."""
        return self._ask(f"/v2/models/{quote(model)}" + (f"/versions/{quote(version)}" if version else "") + "/config")

    def trace_settings(self, model: str) -> Mapping[str, Sequence[str]]:
        """Return the trace settings of a model: name -> values."""
        answer = self._ask(f"/v2/models/{quote(model)}/trace/setting")
        return {name: value if isinstance(value, list) else [str(value)] for name, value in answer.items()}

    def update_trace_settings(self, model: str, settings: Mapping[str, Sequence[str]]) -> None:
        """Change trace settings of a model; a name without values returns to the server's own."""
        body = {
            name: list(values) if name == "trace_level" and values else (values[0] if values else None)
            for name, values in settings.items()
        }
        self._ask(f"/v2/models/{quote(model)}/trace/setting", body)

    def close(self) -> None:
        """Do nothing: each question has a connection of its own."""

    def _ask(self, path: str, body: Mapping[str, Any] | None = None) -> Json:
        request = urllib.request.Request(
            self._base + path,
            data=None if body is None else json.dumps(body).encode(),
            headers=self._headers,
        )
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            said = error.read(400).decode("utf-8", "replace").strip()
            raise ServerApiError(f"{self._base}{path} answers HTTP {error.code}: {said or error.reason}") from error
        except (OSError, HTTPException) as error:  # URLError is an OSError
            raise ServerApiError(f"{self._base}{path} does not answer: {getattr(error, 'reason', error)}") from error
        except ValueError as error:
            raise ServerApiError(f"{self._base}{path} does not answer in JSON ({error}): is it Triton?") from error
        if not isinstance(answer, dict):
            raise ServerApiError(f"{self._base}{path} answers {type(answer).__name__}, not an object: is it Triton?")
        return answer
