"""The one place that turns errors of grpc into errors of our tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import grpc

from genod_client.errors import GenODError, Status, error_from_status

# gRPC's codes are our vocabulary, so each maps to its namesake; OK is not an error.
STATUS_OF_CODE: Mapping[grpc.StatusCode, Status] = MappingProxyType(
    {getattr(grpc.StatusCode, status.name): status for status in Status}
)


def error_from_code(code: grpc.StatusCode, details: str | None) -> GenODError:
    """Return the error for a failed call.

    Args:
        code: the status code of the call.
        details: what the server says or, where none was reached, grpc with the address that it tried.
    """
    return error_from_status(STATUS_OF_CODE.get(code, Status.UNKNOWN), details or f"gRPC status {code.name}")


@contextmanager
def grpc_errors_as_ours() -> Iterator[None]:
    """Raise an error of our tree for every error of a call."""
    try:
        yield
    except grpc.RpcError as error:  # also the base of grpc.aio.AioRpcError
        raise error_from_code(error.code(), error.details()) from error
