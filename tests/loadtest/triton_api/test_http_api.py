"""Answers that are no answers. What a real server says is tested with the stages."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from loadtest.errors import ServerApiError, UsageError
from loadtest.stages import collect_statistics
from loadtest.triton_api import open_triton_api


@contextlib.contextmanager
def answering(status, body):
    """A server that says the same to everything; yields its address and the headers that it was sent."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, b'{"error": "This API is restricted, expecting header"}', "answers HTTP 403: .*restricted"),
        (404, b"", "answers HTTP 404"),
        (200, b"<html>", "is it Triton"),
        (200, b"[1, 2]", "answers list, not an object"),
    ],
)
def test_what_is_no_answer_of_triton_is_one_clear_error(status, body, words):
    with answering(status, body) as (url, _), open_triton_api(url) as api, pytest.raises(ServerApiError, match=words):
        api.server_metadata()


@pytest.mark.parametrize("body", [b'{"model_stats": [{"name": "detect"}]}', b'{"model_stats": [7]}'])
def test_statistics_of_another_kind_of_server_are_refused(body):
    with answering(200, body) as (url, _), pytest.raises(ServerApiError, match="not those of a Triton server"):
        collect_statistics(url)


def test_headers_are_sent_along_for_restricted_interfaces():
    with answering(200, b'{"name": "triton"}') as (url, seen), open_triton_api(url, headers={"X-Key": "one"}) as api:
        assert api.server_metadata() == {"name": "triton"}
    assert seen[0]["x-key"] == "one"


def test_an_address_that_cannot_be_read_is_a_usage_error():
    with pytest.raises(UsageError, match="looks like grpc://"), open_triton_api("localhost:8000"):
        pass
