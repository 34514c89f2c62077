"""One kept-alive HTTP/1.1 connection with one request on its way at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from genod_client import GenODError, UnexpectedResponseError
from genod_client.errors import Status, error_from_status
from genod_client.transports.http_codec import HEADER_LENGTH

IDLE = -1

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) (\d{3})")
_FIELD = rb"\r\n%s: *([^\r]*)"
_CONTENT_LENGTH = re.compile(_FIELD % b"content-length", re.IGNORECASE)
_JSON_LENGTH = re.compile(_FIELD % HEADER_LENGTH.encode(), re.IGNORECASE)
_CHUNKED = re.compile(_FIELD % b"transfer-encoding", re.IGNORECASE)
_CONNECTION = re.compile(_FIELD % b"connection", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Head:
    """The status line and the headers of a response, as far as they matter.

    Attributes:
        status: of HTTP.
        length: of the body; None where the body says itself where it ends.
        json_length: of the JSON in front of the tensors; None without it.
        is_chunked: whether the body comes in chunks.
        is_kept_alive: whether the connection can be used again.
    """

    status: int
    length: int | None
    json_length: int | None
    is_chunked: bool
    is_kept_alive: bool


def parse_head(head: bytes) -> Head:
    """Parse everything before the empty line.

    Raises:
        UnexpectedResponseError: this is not HTTP/1.
    """
    line = _STATUS_LINE.match(head)
    if line is None:
        raise UnexpectedResponseError(f"The answer is not HTTP: {head[:80]!r}. Is this a Triton server?")
    length, json_length = (_number(pattern, head) for pattern in (_CONTENT_LENGTH, _JSON_LENGTH))
    encoding, connection = _CHUNKED.search(head), _CONNECTION.search(head)
    is_chunked = encoding is not None and b"chunked" in encoding[1].lower()
    status = int(line[2])
    if status in (204, 304):
        length = 0
    says_close = connection is not None and b"close" in connection[1].lower()
    is_kept_alive = line[1] == b"1" and not says_close and (is_chunked or length is not None)
    return Head(status, length, json_length, is_chunked, is_kept_alive)


def _number(pattern: re.Pattern[bytes], head: bytes) -> int | None:
    found = pattern.search(head)
    return int(found[1]) if found and found[1].isdigit() else None


def join_chunks(content: bytes) -> bytes | None:
    """Return the body of a chunked response; None while some of it is missing.

    Raises:
        UnexpectedResponseError: these are no chunks.
    """
    parts: list[bytes] = []
    start = 0
    while (end := content.find(b"\r\n", start)) >= 0:
        try:
            size = int(content[start:end].split(b";")[0], 16)
        except ValueError as error:
            raise UnexpectedResponseError(f"Cannot read a chunk of the answer: {content[start:end][:40]!r}.") from error
        if len(content) < end + 2 + size + 2:
            return None
        if size == 0:
            return b"".join(parts)
        parts.append(content[end + 2 : end + 2 + size])
        start = end + 2 + size + 2
    return None


class HttpConnection(asyncio.Protocol):
    """Calls `on_answer(connection, head, body)` or `on_error(connection, error)` once per request."""

    def __init__(
        self,
        *,
        authority: str,
        heads: dict[bytes, Head],
        on_answer: Callable[[HttpConnection, Head, bytes], None],
        on_error: Callable[[HttpConnection, GenODError], None],
    ) -> None:
        """Prepare a connection.

        Args:
            authority: `host:port`, for errors.
            heads: heads that were parsed before; shared by all connections of a sender.
            on_answer: called with a complete response; the connection is idle by then.
            on_error: called when there will be none; the connection is closed by then.
        """
        self.index = IDLE
        self._authority = authority
        self._heads = heads
        self._on_answer = on_answer
        self._on_error = on_error
        self._received = b""
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        """Whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, index: int, *parts: bytes) -> None:
        """Send a request; its index says whose answer comes back."""
        assert self._transport is not None
        assert self.index == IDLE
        self.index = index
        for part in parts:  # uvloop hands them to the system together
            self._transport.write(part)

    def abort(self) -> None:
        """Close at once, without a call to `on_error`."""
        self.index = IDLE
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from it

    def connection_lost(self, error: Exception | None) -> None:
        """End the request that was on its way, if any."""
        self._transport = None
        if self.index == IDLE:
            return
        if (body_at := self._received.find(b"\r\n\r\n")) >= 0 and error is None:
            head = self._parse(self._received[:body_at])
            if head is not None and head.length is None and not head.is_chunked:
                self._complete(head, self._received[body_at + 4 :])  # a body that ends with its connection
                return
        reason = f"{error}" if error else "the server closed the connection before its answer was complete"
        self._fail(error_from_status(Status.UNAVAILABLE, f"HTTP to {self._authority}: {reason}"))

    def data_received(self, data: bytes) -> None:
        """Collect a response."""
        if self.index == IDLE:  # nobody asked
            self.abort()
            return
        received = self._received + data if self._received else data
        self._received = received
        end = received.find(b"\r\n\r\n")
        if end < 0 or (head := self._parse(received[:end])) is None:
            return
        body_at = end + 4
        if head.length is not None:
            if len(received) >= body_at + head.length:
                self._complete(head, received[body_at : body_at + head.length])
        elif head.is_chunked:
            try:
                body = join_chunks(received[body_at:])
            except GenODError as error:
                self._fail(error)
                return
            if body is not None:
                self._complete(head, body)

    def _parse(self, content: bytes) -> Head | None:
        # Heads repeat, also those with a date: it changes once a second.
        if (head := self._heads.get(content)) is None:
            try:
                head = parse_head(content)
            except GenODError as error:
                self._fail(error)
                return None
            if len(self._heads) > 1000:
                self._heads.clear()
            self._heads[content] = head
        return head

    def _complete(self, head: Head, body: bytes) -> None:
        self._received = b""
        if not head.is_kept_alive and self._transport is not None:
            self._transport.close()
        self._on_answer(self, head, body)

    def _fail(self, error: GenODError) -> None:
        self._received = b""
        if self._transport is not None:
            self._transport.abort()
        self._on_error(self, error)
