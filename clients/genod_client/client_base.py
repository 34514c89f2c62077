"""What the client for threads and the one for asyncio have in common: everything but waiting."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Generic, TypeVar

from genod_client.core import ClientCore
from genod_client.endpoint import Endpoint, parse_endpoint
from genod_client.errors import ClientClosedError
from genod_client.operations import ModelRef
from genod_client.retry import DEFAULT_RETRY_POLICY, Deadline, RetryPolicy

DEFAULT_TIMEOUT_S = 30.0

TransportT = TypeVar("TransportT")


class ClientBase(ABC, Generic[TransportT]):
    """Settings, logic and the transport, opened at first need."""

    def __init__(
        self,
        url: str,
        *,
        model: str = "detect",
        model_version: str = "",
        visual_search_model: str = "visual_search",
        embed_model: str = "embed",
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
        headers: Mapping[str, str] | None = None,
        ca_certificate: str | os.PathLike[str] | None = None,
        transport: TransportT | None = None,
    ) -> None:
        """Prepare a client; it connects at the first call.

        Args:
            url: `grpc://host:8001` or `http://host:8000`; `grpcs://` and `https://` use TLS.
            model: the ensemble that `detect` calls; it must have the tensors and the parameter `taxonomy` of
                `detect`.
            model_version: version of the ensembles, which is that of the release; empty for the newest.
            visual_search_model: the ensemble that `visual_search` calls.
            embed_model: the ensemble that `embed` calls.
            timeout_s: seconds that one call may take in all, retries included, unless the call says
                otherwise.
            retry_policy: what to do when the server is unavailable.
            headers: sent with every request, as HTTP headers or gRPC metadata; for credentials.
            ca_certificate: PEM file of the authorities to trust for TLS, instead of the system's.
            transport: carries out the operations instead of the network; for tests.

        Raises:
            InvalidInputError: an argument is wrong.
        """
        self._endpoint = parse_endpoint(url, headers=headers, ca_certificate=ca_certificate)
        Deadline(timeout_s)  # refuses a wrong number here, not at the first call
        self._timeout_s = timeout_s
        self._core = ClientCore(
            model=ModelRef(model, model_version),
            visual_search_model=ModelRef(visual_search_model, model_version),
            embed_model=ModelRef(embed_model, model_version),
            retry_policy=retry_policy,
        )
        self._transport = transport
        self._is_closed = False
        self._lock = threading.Lock()  # around opening and closing

    @abstractmethod
    def _open_transport(self, endpoint: Endpoint) -> TransportT:
        """Return the transport for an address."""

    def _opened_transport(self) -> TransportT:
        """Return the transport; open it at the first call.

        Not in the constructor: importing grpc takes a while, and its asyncio channel belongs to the running
        loop.

        Raises:
            ClientClosedError: the client was closed.
        """
        with self._lock:
            if self._is_closed:
                raise ClientClosedError("This client was closed. Make a new one, or close it later.")
            if self._transport is None:
                self._transport = self._open_transport(self._endpoint)
            return self._transport

    def _take_transport_to_close(self) -> TransportT | None:
        """Mark the client closed; return the transport if it is still to be closed."""
        with self._lock:
            transport, self._transport, self._is_closed = self._transport, None, True
            return transport

    def _deadline(self, timeout_s: float | None) -> Deadline:
        """Return the deadline of a call that begins now."""
        return Deadline(self._timeout_s if timeout_s is None else timeout_s)
