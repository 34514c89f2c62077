"""A deadline for a whole HTTP exchange on a blocking socket.

httpcore2, like every blocking HTTP library, takes its timeouts per socket operation: a server that sends one
byte just in time, again and again, holds the caller for ever. Here the numbers handed over as timeouts are
*moments* of `time.monotonic()`, and this network backend turns a moment into the seconds left each time it
touches the socket. (Name resolution is the one step that Python cannot interrupt.)
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore2

# Between two looks at the clock; a photo is sent in pieces of this size.
WRITE_BYTES = 256 * 1024


class DeadlineBackend(httpcore2.NetworkBackend):
    """Opens blocking TCP connections; `timeout` is the moment at which to give up."""

    def __init__(self) -> None:
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect."""
        seconds = _seconds_until(timeout, httpcore2.ConnectTimeout)
        return DeadlineStream(self._sockets.connect_tcp(host, port, seconds, local_address, socket_options))


class DeadlineStream(httpcore2.NetworkStream):
    """A connection; `timeout` is the moment at which to give up."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, at least one unless the peer has closed."""
        return self._stream.read(max_bytes, _seconds_until(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send everything."""
        for start in range(0, len(buffer), WRITE_BYTES):
            seconds = _seconds_until(timeout, httpcore2.WriteTimeout)
            self._stream.write(buffer[start : start + WRITE_BYTES], seconds)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Return an encrypted stream over this one."""
        seconds = _seconds_until(timeout, httpcore2.ConnectTimeout)
        return DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        """Return what the stream below says."""
        return self._stream.get_extra_info(info)


def _seconds_until(moment: float | None, error: type[httpcore2.TimeoutException]) -> float | None:
    if moment is None:
        return None
    seconds = moment - time.monotonic()
    if seconds <= 0:
        # Not passed on: a socket takes 0 for "do not block" and refuses less.
        raise error("out of time")
    return seconds
