"""HTTP for the tasks of an event loop; the twin of `http_sync`."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import httpcore2

from genod_client.endpoint import Endpoint
from genod_client.errors import DeadlineExceededError
from genod_client.operations import Operation
from genod_client.transports.http_codec import decode, encode
from genod_client.transports.http_errors import httpcore_errors_as_ours
from genod_client.transports.http_pool import POOL_LIMITS, request_arguments, response_from, ssl_context_for

ReplyT = TypeVar("ReplyT")


class AsyncHttpTransport:
    """Implements `AsyncTransport`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._pool = httpcore2.AsyncConnectionPool(ssl_context=ssl_context_for(endpoint), **POOL_LIMITS)

    async def send(self, operation: Operation[ReplyT], timeout_s: float) -> ReplyT:
        """Carry out one operation, once; see `Transport.send`."""
        arguments = request_arguments(self._endpoint, encode(operation))
        try:
            with httpcore_errors_as_ours(self._endpoint.authority):
                # The whole exchange, not each socket operation; asyncio can interrupt it anywhere.
                async with asyncio.timeout(timeout_s):
                    response = await self._pool.request(**arguments)
        except TimeoutError as error:
            raise DeadlineExceededError(
                f"HTTP to {self._endpoint.authority}: no answer within {timeout_s:.3f} s"
            ) from error
        return decode(operation, response_from(response))

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()
