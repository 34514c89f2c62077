"""From an address to the control of the server there."""

from __future__ import annotations

from collections.abc import Mapping

from ensembles.errors import ActivationFailed
from ensembles.rollout.grpc_control import GrpcControl
from ensembles.rollout.http_control import HttpControl
from ensembles.rollout.triton_control import TritonControl


def open_control(url: str, *, headers: Mapping[str, str] | None = None, load_timeout_s: float = 900.0) -> TritonControl:
    """The control of a server; nothing is sent yet.

    Args:
        url: `grpc://HOST:PORT`, or `http://HOST:PORT`, over which some callers wait while a model loads.
        headers: sent with each call, for servers with restricted protocols.
        load_timeout_s: how long one model may take to load.

    Raises:
        ActivationFailed: the URL is neither.
    """
    if url.startswith("grpc://"):
        return GrpcControl(url, headers=headers or {}, load_timeout_s=load_timeout_s)
    if url.startswith(("http://", "https://")):
        return HttpControl(url, headers=headers or {}, load_timeout_s=load_timeout_s)
    raise ActivationFailed(f"--url must be grpc://HOST:PORT or http://HOST:PORT of the running server, got {url!r}")
