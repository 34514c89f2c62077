"""What the blocking and the asyncio pool of httpcore2 have in common."""

from __future__ import annotations

import ssl
from typing import TypedDict

import httpcore2

from genod_client.endpoint import Endpoint
from genod_client.errors import InvalidInputError
from genod_client.transports.http_codec import HttpRequest, HttpResponse
from genod_client.version import __version__


class PoolLimits(TypedDict):
    """Arguments of httpcore2's pools."""

    max_connections: int | None
    max_keepalive_connections: int | None
    keepalive_expiry: float | None


# As many connections as calls at a time: the caller's number of threads or tasks is the limit, and a call
# that waited for a connection here would spend its deadline where the server's queue policy cannot see it.
POOL_LIMITS = PoolLimits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=30.0)


class RequestArguments(TypedDict):
    """Arguments of `request` of httpcore2's pools, without the timeouts."""

    method: str
    url: str
    headers: list[tuple[bytes | str, bytes | str]]
    content: bytes | None


def request_arguments(endpoint: Endpoint, request: HttpRequest) -> RequestArguments:
    """Return a request as httpcore2 takes it."""
    headers = {"user-agent": f"genod-client/{__version__}", **endpoint.headers, **request.headers}
    return RequestArguments(
        method=request.method,
        url=f"{endpoint.scheme}://{endpoint.authority}{endpoint.path}{request.path}",
        headers=list(headers.items()),
        content=request.body or None,
    )


def response_from(response: httpcore2.Response) -> HttpResponse:
    """Return a complete response of httpcore2 as ours."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    return HttpResponse(response.status, headers, response.content)


def ssl_context_for(endpoint: Endpoint) -> ssl.SSLContext | None:
    """Return what to trust; None for what the system trusts.

    Raises:
        InvalidInputError: the endpoint's certificate file cannot be read.
    """
    if (certificate := endpoint.read_ca_certificate()) is None:
        return None
    try:
        return ssl.create_default_context(cadata=certificate.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"ca_certificate {endpoint.ca_certificate!r} is not a PEM file of certificates: {error}."
        ) from error
