"""From an address to the class that speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from genod_client.endpoint import parse_endpoint
from genod_client.errors import InvalidInputError
from loadtest.errors import UsageError
from loadtest.triton_api.api import TritonApi

DEFAULT_TIMEOUT_S = 10.0


@contextmanager
def open_triton_api(
    url: str,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    headers: Mapping[str, str] | None = None,
    ca_certificate: str | None = None,
) -> Iterator[TritonApi]:
    """Yield what asks the server at an address such as `http://host:8000` or `grpc://host:8001`.

    Args:
        url: as `genod_client` takes it; `https://` and `grpcs://` use TLS.
        timeout_s: seconds for each answer.
        headers: sent with every question, for credentials of a restricted API.
        ca_certificate: PEM file of the authorities to trust for TLS.

    Raises:
        UsageError: the address cannot be used.
    """
    api: TritonApi
    try:
        endpoint = parse_endpoint(url, headers=headers, ca_certificate=ca_certificate)
        # Imported here: gRPC's import takes a while, and whoever asks over HTTP does without.
        if endpoint.is_grpc:
            from loadtest.triton_api.grpc_api import GrpcTritonApi

            api = GrpcTritonApi(endpoint, timeout_s)
        else:
            from loadtest.triton_api.http_api import HttpTritonApi

            api = HttpTritonApi(endpoint, timeout_s)
    except InvalidInputError as error:
        raise UsageError(str(error)) from error
    try:
        yield api
    finally:
        api.close()
