import asyncio

import pytest

from genod_client import GenODError, UnexpectedResponseError
from loadtest.open_loop.http_connection import IDLE, HttpConnection, join_chunks, parse_head


class FakeTransport(asyncio.Transport):
    def __init__(self):
        self.written = b""
        self.closed = False

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = True

    abort = close

    def is_closing(self):
        return self.closed


class Outcome:
    def __init__(self):
        self.answers: list[tuple[int, int | None, bytes]] = []
        self.errors: list[GenODError] = []
        self.connection = HttpConnection(
            authority="host:1",
            heads={},
            on_answer=lambda connection, head, body: self.answers.append((head.status, head.json_length, body)),
            on_error=lambda connection, error: self.errors.append(error),
        )
        self.transport = FakeTransport()
        self.connection.connection_made(self.transport)
        self.connection.send(5, b"request")


def answer(body=b"body", *headers, status="200 OK"):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_a_head_is_read_whatever_the_case_and_the_order():
    head = parse_head(b"HTTP/1.1 200 OK\r\nContent-Type: x\r\ninference-HEADER-content-length: 12\r\ncontent-length:34")
    assert (head.status, head.length, head.json_length, head.is_chunked, head.is_kept_alive) == (
        200,
        34,
        12,
        False,
        True,
    )


@pytest.mark.parametrize(
    ("head", "is_kept_alive"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: Close", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1", False),
        (b"HTTP/1.1 200 OK", False),
        (b"HTTP/1.1 204 No Content", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", True),
    ],
)
def test_a_connection_is_used_again_only_where_the_answer_allows_it(head, is_kept_alive):
    assert parse_head(head).is_kept_alive is is_kept_alive


def test_something_else_than_http_is_refused_in_words():
    with pytest.raises(UnexpectedResponseError, match=r"not HTTP.*Is this a Triton server"):
        parse_head(b"SSH-2.0-OpenSSH")


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_an_answer_is_put_together_from_pieces_of_any_size(piece):
    outcome = Outcome()
    content = answer(b"x" * 300, "Inference-Header-Content-Length: 3")
    for start in range(0, len(content), piece):
        outcome.connection.data_received(content[start : start + piece])
    assert outcome.answers == [(200, 3, b"x" * 300)]
    assert not outcome.transport.closed


@pytest.mark.parametrize("piece", [1, 5, 1000])
def test_a_chunked_answer_is_put_together(piece):
    outcome = Outcome()
    content = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n3;x=y\r\nefg\r\n0\r\n\r\n"
    for start in range(0, len(content), piece):
        outcome.connection.data_received(content[start : start + piece])
    assert outcome.answers == [(200, None, b"abcdefg")]


def test_chunks_that_are_none_are_an_error():
    with pytest.raises(UnexpectedResponseError, match="chunk"):
        join_chunks(b"zz\r\nabc")


def test_a_body_without_a_length_ends_with_its_connection():
    outcome = Outcome()
    outcome.connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nall of it")
    assert outcome.answers == []
    outcome.connection.connection_lost(None)
    assert outcome.answers == [(200, None, b"all of it")]


def test_a_connection_that_breaks_within_an_answer_is_unavailable():
    outcome = Outcome()
    outcome.connection.data_received(answer(b"x" * 300)[:100])
    outcome.connection.connection_lost(None)
    assert [type(error).__name__ for error in outcome.errors] == ["UnavailableError"]
    assert "before its answer was complete" in str(outcome.errors[0])


def test_what_comes_unasked_closes_the_connection():
    outcome = Outcome()
    outcome.connection.index = IDLE
    outcome.connection.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert outcome.transport.closed
    assert not outcome.answers
    assert not outcome.errors


def test_a_broken_idle_connection_is_nobodys_error():
    outcome = Outcome()
    outcome.connection.index = IDLE
    outcome.connection.connection_lost(ConnectionResetError())
    assert outcome.errors == []
    assert not outcome.connection.is_open
