"""Explicit model control over gRPC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import tritonclient.grpc
from tritonclient.utils import InferenceServerException

from ensembles.errors import ActivationFailed
from ensembles.rollout.triton_control import (
    LoadRefused,
    VersionState,
    forbids_model_control,
    gone,
    one_line,
    wrong_mode,
)

_SHORT_TIMEOUT_S = 60.0
_GONE = {"StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED", "StatusCode.CANCELLED"}
_FORBIDDEN = {"StatusCode.UNAUTHENTICATED", "StatusCode.PERMISSION_DENIED"}


class GrpcControl:
    """One running server, by its gRPC port."""

    def __init__(self, url: str, *, headers: Mapping[str, str], load_timeout_s: float) -> None:
        """Describe a server; nothing is sent yet.

        Args:
            url: `grpc://host:port`.
            headers: sent with each call, as metadata.
            load_timeout_s: how long one model may take to load.
        """
        self.url = url
        self._address = url.removeprefix("grpc://").rstrip("/")
        self._headers = dict(headers)
        self._load_timeout_s = load_timeout_s

    def load(self, model: str) -> None:
        """Load a model; see `TritonControl`."""
        with self._client() as client:
            client.load_model(model, headers=self._headers, client_timeout=self._load_timeout_s)

    def unload(self, model: str) -> None:
        """Take a model away; see `TritonControl`."""
        with self._client() as client:
            client.unload_model(model, headers=self._headers, client_timeout=_SHORT_TIMEOUT_S)

    def states(self) -> dict[str, dict[int, VersionState]]:
        """State of every version; see `TritonControl`."""
        with self._client() as client:
            index = client.get_model_repository_index(headers=self._headers, client_timeout=_SHORT_TIMEOUT_S)
        found: dict[str, dict[int, VersionState]] = {}
        for entry in index.models:
            versions = found.setdefault(entry.name, {})
            if entry.version:
                versions[int(entry.version)] = VersionState(entry.state, entry.reason)
        return found

    def is_ready(self, model: str, version: int) -> bool:
        """Whether one version may be called."""
        with self._client() as client:
            return bool(
                client.is_model_ready(model, str(version), headers=self._headers, client_timeout=_SHORT_TIMEOUT_S)
            )

    def is_server_ready(self) -> bool:
        """The server's own readiness."""
        with self._client() as client:
            return bool(client.is_server_ready(headers=self._headers, client_timeout=_SHORT_TIMEOUT_S))

    @contextmanager
    def _client(self) -> Iterator[tritonclient.grpc.InferenceServerClient]:
        """A connection for one call: an activation makes few, and a server may be started again in between."""
        with tritonclient.grpc.InferenceServerClient(self._address) as client:
            try:
                yield client
            except InferenceServerException as error:
                reason = one_line(error.message())
                if forbids_model_control(reason):
                    raise ActivationFailed(wrong_mode(self.url, reason)) from error
                if str(error.status()) in _GONE and not _is_alive(client):
                    raise ActivationFailed(gone(self.url, reason)) from error
                if str(error.status()) in _FORBIDDEN or "protocol is restricted" in reason:
                    raise ActivationFailed(
                        f"{self.url} forbids it ({reason}). Send the header that --grpc-restricted-protocol asks for: "
                        "--header triton-grpc-protocol-NAME=VALUE"
                    ) from error
                raise LoadRefused(reason) from error


def _is_alive(client: tritonclient.grpc.InferenceServerClient) -> bool:
    """Whether UNAVAILABLE came from the server: it says so of models too."""
    try:
        return bool(client.is_server_live(client_timeout=5.0))
    except InferenceServerException:
        return False
