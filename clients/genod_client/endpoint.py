"""Where the server is and how to talk to it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, cast
from urllib.parse import urlsplit

from genod_client.errors import InvalidInputError

Scheme = Literal["grpc", "grpcs", "http", "https"]

# What both HTTP and the metadata of gRPC carry.
_HEADER_NAME = re.compile(r"[0-9a-z_.-]+")
_HEADER_VALUE = re.compile(r"[ -~]*")

# Triton's own ports; with TLS there is a proxy in front of it, on the port of TLS.
DEFAULT_PORTS: Mapping[str, int] = MappingProxyType({"grpc": 8001, "http": 8000, "grpcs": 443, "https": 443})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A parsed server address, with what every request to it carries.

    Attributes:
        scheme: protocol; a trailing `s` means TLS.
        host: name or address, IPv6 without brackets.
        port: TCP port.
        path: prefix of every HTTP path, without a slash at the end; empty for gRPC.
        headers: sent with every request: HTTP headers, or gRPC metadata. Names are lower case.
        ca_certificate: PEM file of the authorities to trust; None trusts what the system trusts.
    """

    scheme: Scheme
    host: str
    port: int
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    ca_certificate: str | None = None

    @property
    def is_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in ("grpcs", "https")

    @property
    def is_grpc(self) -> bool:
        """Whether the protocol is gRPC."""
        return self.scheme in ("grpc", "grpcs")

    @property
    def authority(self) -> str:
        """`host:port`, with brackets around IPv6."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def read_ca_certificate(self) -> bytes | None:
        """Return the content of `ca_certificate`.

        Raises:
            InvalidInputError: it cannot be read.
        """
        if self.ca_certificate is None:
            return None
        try:
            with open(self.ca_certificate, "rb") as file:
                return file.read()
        except OSError as error:
            raise InvalidInputError(f"Cannot read ca_certificate {self.ca_certificate!r}: {error.strerror}.") from error


def parse_endpoint(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    ca_certificate: str | os.PathLike[str] | None = None,
) -> Endpoint:
    """Parse e.g. `grpc://host:8001`, `http://host`, `https://gateway/triton`, `grpcs://[::1]:443`.

    Raises:
        InvalidInputError: the address is none of these, or TLS options are given without TLS.
    """
    shape = "an address looks like grpc://host:8001 or http://host:8000; grpcs:// and https:// use TLS"
    try:
        parts = urlsplit(url)
        port = parts.port
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidInputError(f"Cannot read the server's address {url!r} ({error}): {shape}.") from error
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise InvalidInputError(f"Cannot read the server's address {url!r}: {shape}.")
    if parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        raise InvalidInputError(
            f"The server's address has no user, password, query or fragment: {shape}. Credentials go into headers."
        )
    path = parts.path.rstrip("/")
    if path and parts.scheme.startswith("grpc"):
        raise InvalidInputError(f"A gRPC address has no path, but {url!r} has {path!r}: {shape}.")
    if ca_certificate is not None and not parts.scheme.endswith("s"):
        raise InvalidInputError(f"ca_certificate needs an address with TLS, grpcs:// or https://, not {url!r}.")
    return Endpoint(
        scheme=cast(Scheme, parts.scheme),
        host=parts.hostname,
        port=port or DEFAULT_PORTS[parts.scheme],
        path=path,
        headers=_checked_headers(headers or {}),
        ca_certificate=None if ca_certificate is None else os.fspath(ca_certificate),
    )


def _checked_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    for name, value in lower.items():
        if not _HEADER_NAME.fullmatch(name) or name.endswith("-bin") or not _HEADER_VALUE.fullmatch(value):
            raise InvalidInputError(
                f"Header {name!r} cannot be sent: names are made of letters, digits, '_', '.' and '-' "
                "and do not end in '-bin', values of printable ASCII characters."
            )
    return MappingProxyType(lower)
