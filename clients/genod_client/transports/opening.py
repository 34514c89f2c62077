"""From an address to a transport. The libraries below are imported here, at first need, never earlier."""

from __future__ import annotations

from genod_client.endpoint import Endpoint
from genod_client.transports.base import AsyncTransport, Transport


def open_transport(endpoint: Endpoint) -> Transport:
    """Return a transport for threads."""
    if endpoint.is_grpc:
        from genod_client.transports.grpc_sync import GrpcTransport

        return GrpcTransport(endpoint)
    from genod_client.transports.http_sync import HttpTransport

    return HttpTransport(endpoint)


def open_async_transport(endpoint: Endpoint) -> AsyncTransport:
    """Return a transport for the tasks of the running event loop."""
    if endpoint.is_grpc:
        from genod_client.transports.grpc_asyncio import AsyncGrpcTransport

        return AsyncGrpcTransport(endpoint)
    from genod_client.transports.http_asyncio import AsyncHttpTransport

    return AsyncHttpTransport(endpoint)
