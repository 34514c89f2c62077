"""The fake server over HTTP/1.1: as little work per request as Python allows."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, cast

from numpy.typing import NDArray

from loadtest.fake_server.answers import Description, http_body, output_tensors
from loadtest.fake_server.behaviour import ERROR_TEXT, REJECTION_TEXT, Admitted
from loadtest.fake_server.delayed_answers import DelayedAnswers

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def response(status: bytes, body: bytes, headers: bytes = b"") -> bytes:
    """Return the bytes of a response. `headers` are whole lines, each with its end."""
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), headers, body)


def _json_response(status: bytes, value: object) -> bytes:
    return response(status, json.dumps(value).encode(), b"Content-Type: application/json\r\n")


class Responses:
    """The answers to inference requests, put together once."""

    def __init__(self, model: str) -> None:
        tensors = output_tensors()
        whole = self._tensors(model, tensors)
        del tensors["image_size"]
        self.by_outcome = {
            "answer": whole,
            "bad_answer": self._tensors(model, tensors),
            "error": _json_response(b"500 Internal Server Error", {"error": ERROR_TEXT}),
            "rejected": _json_response(b"503 Service Unavailable", {"error": REJECTION_TEXT}),
        }

    def _tensors(self, model: str, tensors: dict[str, NDArray[Any]]) -> bytes:
        body, json_length = http_body(model, tensors)
        headers = b"Content-Type: application/octet-stream\r\nInference-Header-Content-Length: %d\r\n" % json_length
        return response(b"200 OK", body, headers)


class HttpProtocol(asyncio.Protocol):
    """One connection; requests one after the other, never pipelined."""

    def __init__(self, *, description: Description, responses: Responses, answers: DelayedAnswers) -> None:
        self._description = description
        self._responses = responses
        self._answers = answers
        self._infer_paths = tuple(
            f"/v2/models/{description.options.model}{version}/infer".encode() for version in ("", "/versions/1")
        )
        self._received = bytearray()
        self._missing = 0  # bytes of the body which are still to come
        self._target = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from it

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the transport: an answer that comes later goes nowhere."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Collect a request; its body is counted, not kept."""
        if self._missing:
            self._missing -= len(data)
            if self._missing <= 0:
                self._on_request()
            return
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[:end])
        length = _CONTENT_LENGTH.search(head)
        self._missing = (int(length[1]) if length else 0) - (len(self._received) - end - 4)
        self._received.clear()
        self._target = head.split(b" ", 2)[1]
        if self._missing <= 0:
            self._on_request()

    def _on_request(self) -> None:
        self._missing = 0
        if self._target in self._infer_paths:
            self._answers.admit(self._answer)
            return
        path = self._target.decode("latin-1").split("?")[0]
        value = self._description.get(path)
        if value is None:
            self._write(_json_response(b"404 Not Found", {"error": f"the fake server does not know {path}"}))
        elif value == "":
            self._write(response(b"200 OK", b""))
        else:
            self._write(_json_response(b"200 OK", value))

    def _answer(self, admitted: Admitted) -> None:
        self._write(self._responses.by_outcome[admitted.outcome])

    def _write(self, content: bytes) -> None:
        if self._transport is not None:
            self._transport.write(content)
