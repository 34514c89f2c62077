"""HTTP for threads: one pool of keep-alive connections, shared by all callers.

tritonclient.http is not used: it is built on gevent, and its connections belong to the thread that opened
them. httpcore2's pool is safe to share, has an asyncio twin with the same errors, and takes a network backend
of ours.
"""

from __future__ import annotations

import time
from typing import TypeVar

import httpcore2

from genod_client.endpoint import Endpoint
from genod_client.operations import Operation
from genod_client.transports.http_codec import decode, encode
from genod_client.transports.http_deadline import DeadlineBackend
from genod_client.transports.http_errors import httpcore_errors_as_ours
from genod_client.transports.http_pool import POOL_LIMITS, request_arguments, response_from, ssl_context_for

ReplyT = TypeVar("ReplyT")


class HttpTransport:
    """Implements `Transport`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl_context_for(endpoint), network_backend=DeadlineBackend(), **POOL_LIMITS
        )

    def send(self, operation: Operation[ReplyT], timeout_s: float) -> ReplyT:
        """Carry out one operation, once; see `Transport.send`."""
        arguments = request_arguments(self._endpoint, encode(operation))
        moment = time.monotonic() + timeout_s  # DeadlineBackend wants a moment; the pool itself seconds
        timeouts = {"connect": moment, "write": moment, "read": moment, "pool": timeout_s}
        with httpcore_errors_as_ours(self._endpoint.authority):
            response = self._pool.request(**arguments, extensions={"timeout": timeouts})
        return decode(operation, response_from(response))

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()
