"""Requests over kept-alive HTTP/1.1 connections, encoded before the load begins."""

from __future__ import annotations

import asyncio
import errno
import struct
from collections import deque

from genod_client import GenODError
from genod_client.endpoint import Endpoint
from genod_client.errors import Status, error_from_status
from genod_client.operations import Infer, ModelRef
from genod_client.transports.http_codec import encode
from genod_client.transports.http_pool import ssl_context_for
from genod_client.version import __version__
from loadtest.open_loop.answer_check import HttpAnswerCheck
from loadtest.open_loop.http_connection import IDLE, Head, HttpConnection
from loadtest.open_loop.load import Load
from loadtest.open_loop.requested_outputs import outputs_of
from loadtest.open_loop.sender import Finish, NoRoomError
from loadtest.payloads import STAMP_BYTES

# How many connections are being opened at a time before the load begins: a server's backlog is finite.
_OPENING_AT_ONCE = 32

# What the system says when this machine has run out of something.
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM)


def encode_photo(endpoint: Endpoint, model: str, content: bytes) -> bytes:
    """Return a whole request without its last STAMP_BYTES bytes, which follow the photo."""
    request = encode(Infer(ModelRef(model), content + bytes(STAMP_BYTES), outputs_of(model)))
    headers = {
        "host": endpoint.authority,
        "user-agent": f"genod-loadtest/{__version__}",
        **endpoint.headers,
        **request.headers,
        "content-length": str(len(request.body)),
    }
    lines = [f"{request.method} {endpoint.path}{request.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body[:-STAMP_BYTES]


class HttpSender:
    """Implements `Sender`."""

    def __init__(self, load: Load, endpoint: Endpoint, finish: Finish) -> None:
        self._endpoint = endpoint
        self._connection_count = load.connections
        self._finish = finish
        self._requests = [encode_photo(endpoint, load.address.model, photo.content) for photo in load.photos]
        self._salt = load.salt
        self._stamp = struct.Struct(f"<q{STAMP_BYTES - 8}s").pack
        self._check = HttpAnswerCheck(load.address.model)
        self._heads: dict[bytes, Head] = {}
        # First in, first out: all connections are used alike, and with them all threads of the server.
        self._idle: deque[HttpConnection] = deque()
        self._busy: dict[int, HttpConnection | asyncio.Task[None]] = {}
        self._loop = asyncio.get_running_loop()
        if endpoint.is_tls:
            import ssl

            self._ssl: ssl.SSLContext | None = ssl_context_for(endpoint) or ssl.create_default_context()
        else:
            self._ssl = None
        self.opened = 0

    async def open(self, timeout_s: float) -> None:
        """See `Sender.open`."""
        for start in range(0, self._connection_count, _OPENING_AT_ONCE):
            count = min(_OPENING_AT_ONCE, self._connection_count - start)
            try:
                async with asyncio.timeout(timeout_s):
                    self._idle.extend(await asyncio.gather(*(self._connect() for _ in range(count))))
            except TimeoutError as error:
                raise error_from_status(
                    Status.UNAVAILABLE, f"HTTP to {self._endpoint.authority}: no connection within {timeout_s:g} s"
                ) from error

    async def _connect(self) -> HttpConnection:
        try:
            _, connection = await self._loop.create_connection(
                self._new_connection, self._endpoint.host, self._endpoint.port, ssl=self._ssl
            )
        except (OSError, EOFError) as error:
            if getattr(error, "errno", None) in _NO_ROOM:
                raise NoRoomError(f"cannot open another connection: {error}") from error
            raise error_from_status(Status.UNAVAILABLE, f"HTTP to {self._endpoint.authority}: {error}") from error
        self.opened += 1
        return connection

    def _new_connection(self) -> HttpConnection:
        return HttpConnection(
            authority=self._endpoint.authority, heads=self._heads, on_answer=self._on_answer, on_error=self._on_error
        )

    def send(self, index: int, photo: int, stamp: int) -> None:
        """See `Sender.send`."""
        idle = self._idle
        while idle:
            connection = idle.popleft()
            if connection.is_open:
                self._busy[index] = connection
                connection.send(index, self._requests[photo], self._stamp(stamp, self._salt))
                return
        self._busy[index] = self._loop.create_task(self._connect_and_send(index, photo, stamp))

    async def _connect_and_send(self, index: int, photo: int, stamp: int) -> None:
        try:
            connection = await self._connect()
        except GenODError as error:
            del self._busy[index]
            self._finish(index, error)
            return
        self._busy[index] = connection
        connection.send(index, self._requests[photo], self._stamp(stamp, self._salt))

    def _on_answer(self, connection: HttpConnection, head: Head, body: bytes) -> None:
        index, connection.index = connection.index, IDLE
        del self._busy[index]
        if connection.is_open:
            self._idle.append(connection)
        self._finish(index, self._check(head.status, head.json_length, body))

    def _on_error(self, connection: HttpConnection, error: GenODError) -> None:
        index, connection.index = connection.index, IDLE
        del self._busy[index]
        self._finish(index, error)

    def abandon(self, index: int) -> None:
        """See `Sender.abandon`. HTTP/1.1 has no other way than to close the connection."""
        match self._busy.pop(index):
            case HttpConnection() as connection:
                connection.abort()
            case task:
                task.cancel()

    async def close(self) -> None:
        """See `Sender.close`."""
        for index in list(self._busy):
            self.abandon(index)
        while self._idle:
            self._idle.popleft().abort()
        await asyncio.sleep(0)
