"""Explicit model control over HTTP."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from ensembles.errors import ActivationFailed
from ensembles.rollout.triton_control import (
    LoadRefused,
    VersionState,
    forbids_model_control,
    gone,
    one_line,
    wrong_mode,
)


class HttpControl:
    """One running server, by its HTTP port.

    While a model loads, tritonserver answers none of the HTTP callers whose connection shares a thread with this call:
    prefer gRPC.
    """

    def __init__(self, url: str, *, headers: Mapping[str, str], load_timeout_s: float) -> None:
        """Describe a server; nothing is sent yet.

        Args:
            url: `http://host:port`.
            headers: sent with each call.
            load_timeout_s: how long one model may take to load.
        """
        self.url = url.rstrip("/")
        self._headers = {"Content-Type": "application/json", "Connection": "close", **headers}
        self._load_timeout_s = load_timeout_s

    def load(self, model: str) -> None:
        """Load a model; see `TritonControl`."""
        self._post(f"repository/models/{model}/load", {}, self._load_timeout_s)

    def unload(self, model: str) -> None:
        """Take a model away; see `TritonControl`."""
        self._post(f"repository/models/{model}/unload", {"parameters": {"unload_dependents": False}}, 60.0)

    def states(self) -> dict[str, dict[int, VersionState]]:
        """State of every version; see `TritonControl`."""
        found: dict[str, dict[int, VersionState]] = {}
        for entry in self._post("repository/index", {}, 60.0):
            versions = found.setdefault(entry["name"], {})
            if entry.get("version"):
                versions[int(entry["version"])] = VersionState(entry.get("state", ""), entry.get("reason", ""))
        return found

    def is_ready(self, model: str, version: int) -> bool:
        """Whether one version may be called."""
        return self._status(f"models/{model}/versions/{version}/ready") == http.client.OK

    def is_server_ready(self) -> bool:
        """The server's own readiness."""
        return self._status("health/ready") == http.client.OK

    def _status(self, path: str) -> int:
        request = urllib.request.Request(f"{self.url}/v2/{path}", headers=self._headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except (OSError, http.client.HTTPException) as error:
            raise ActivationFailed(gone(self.url, error)) from error

    def _post(self, path: str, body: Mapping[str, Any], timeout_s: float) -> Any:
        request = urllib.request.Request(
            f"{self.url}/v2/{path}", data=json.dumps(body).encode(), headers=self._headers, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            reason = _reason(error.read())
            if forbids_model_control(reason):
                raise ActivationFailed(wrong_mode(self.url, reason)) from error
            if error.code in (401, 403):
                raise ActivationFailed(
                    f"{self.url} forbids it ({error.code}: {reason}). Send the header that "
                    "--http-restricted-api asks for: --header NAME=VALUE"
                ) from error
            raise LoadRefused(reason) from error
        except (OSError, http.client.HTTPException) as error:
            raise ActivationFailed(gone(self.url, error)) from error
        return json.loads(text) if text.strip() else None


def _reason(body: bytes) -> str:
    """The server's error in one line."""
    try:
        text = str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        text = body.decode(errors="replace")
    return one_line(text)
