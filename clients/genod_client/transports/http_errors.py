"""The one place that turns failures of HTTP, and errors of httpcore2, into errors of our tree."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import httpcore2

from genod_client.errors import GenODError, Status, error_from_status

# Most specific first: the first entry that matches counts. A connection that breaks before the answer is
# complete is UNAVAILABLE, as in gRPC: detecting twice does no harm, so trying again is right.
STATUS_OF_EXCEPTION: Mapping[type[Exception], Status] = MappingProxyType(
    {
        httpcore2.TimeoutException: Status.DEADLINE_EXCEEDED,
        httpcore2.NetworkError: Status.UNAVAILABLE,
        # The usual case: the connection was closed before or within the response.
        httpcore2.RemoteProtocolError: Status.UNAVAILABLE,
        httpcore2.ConnectionNotAvailable: Status.UNAVAILABLE,
        httpcore2.ProxyError: Status.UNAVAILABLE,
        httpcore2.ProtocolError: Status.INTERNAL,
        httpcore2.UnsupportedProtocol: Status.INTERNAL,
    }
)

# The inverse of what Triton does (HttpStatus of its http_server.cc); the gateway codes as gRPC reads them
# (http-grpc-status-mapping.md).
STATUS_OF_CODE: Mapping[int, Status] = MappingProxyType(
    {
        400: Status.INVALID_ARGUMENT,
        401: Status.UNAUTHENTICATED,
        403: Status.PERMISSION_DENIED,
        404: Status.NOT_FOUND,
        409: Status.ALREADY_EXISTS,
        413: Status.RESOURCE_EXHAUSTED,
        429: Status.UNAVAILABLE,
        499: Status.CANCELLED,
        500: Status.INTERNAL,
        501: Status.UNIMPLEMENTED,
        502: Status.UNAVAILABLE,
        503: Status.UNAVAILABLE,
        504: Status.UNAVAILABLE,
    }
)


def error_from_response(status_code: int, body: bytes) -> GenODError:
    """Return the error that a response other than 200 reports.

    Args:
        status_code: the HTTP status.
        body: Triton's `{"error": "..."}`, or whatever a gateway in front of it says.
    """
    try:
        message = str(json.loads(body)["error"])
    except (ValueError, TypeError, KeyError):
        message = f"HTTP {status_code}: {body[:200].decode(errors='replace').strip() or 'no explanation'}"
    return error_from_status(STATUS_OF_CODE.get(status_code, Status.UNKNOWN), message)


@contextmanager
def httpcore_errors_as_ours(authority: str) -> Iterator[None]:
    """Raise an error of our tree for every error of httpcore2.

    Args:
        authority: `host:port` of the server, for the message.
    """
    try:
        yield
    except tuple(STATUS_OF_EXCEPTION) as error:
        status = next(status for type_, status in STATUS_OF_EXCEPTION.items() if isinstance(error, type_))
        detail = str(error) or type(error).__name__
        raise error_from_status(status, f"HTTP to {authority}: {detail}") from error
