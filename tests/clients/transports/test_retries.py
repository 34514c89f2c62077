"""What is tried again on real connections, and what is not."""

import threading
import time

import grpc
import pytest

from genod_client import (
    RetryPolicy,
    ServerError,
    ServerOverloadedError,
    UnavailableError,
    UnexpectedResponseError,
)
from tests.clients import servers
from tests.clients.answers import expected_detections
from tests.clients.calls import BOTH_CLIENTS

OVERLOADED = b'{"error": "[request id: <id_unknown>] Exceeds maximum queue size"}'
SHORT_PAUSES = RetryPolicy(max_attempts=3, first_pause_s=0.01, longest_pause_s=0.05)


@BOTH_CLIENTS
@pytest.mark.parametrize(
    "responses",
    [
        [servers.http_response(503, OVERLOADED)] * 2,
        [servers.http_response(503, b"<html>upstream is away</html>"), servers.http_response(502)],
        [b"", servers.http_response(429)],  # b"": the connection is closed before a response
    ],
    ids=["overloaded", "gateway", "hung up"],
)
def test_over_http_a_server_that_recovers_is_met(call, responses):
    with servers.socket_server(servers.first_then_good(*responses)) as server:
        found = call(server.http_url, "detect", b"photo", retry_policy=SHORT_PAUSES)
        assert found == expected_detections()
        assert server.requests == len(responses) + 2  # the detection and the taxonomy


@BOTH_CLIENTS
def test_over_grpc_a_server_that_recovers_is_met(call):
    unavailable = (grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size")
    with servers.grpc_server(unavailable, unavailable) as (url, servicer):
        assert call(url, "detect", b"photo", retry_policy=SHORT_PAUSES) == expected_detections()
        assert servicer.requests == 4


@BOTH_CLIENTS
def test_over_grpc_a_server_that_starts_late_is_met(call):
    # grpc itself answers UNAVAILABLE without trying during its own reconnect pause, by default a second: more
    # than all of our pauses. Without our channel options this call fails.
    port = servers.free_port()

    def start_later():
        time.sleep(0.3)
        with servers.grpc_server(port=port):
            done.wait(10)

    done = threading.Event()
    thread = threading.Thread(target=start_later)
    thread.start()
    try:
        found = call(f"grpc://127.0.0.1:{port}", "detect", b"photo", retry_policy=RetryPolicy(max_attempts=6))
        assert found == expected_detections()
    finally:
        done.set()
        thread.join()


@BOTH_CLIENTS
@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_refused_connection_is_unavailable_with_the_address_after_all_attempts(call, scheme):
    port = servers.free_port()
    with pytest.raises(UnavailableError, match=rf"127\.0\.0\.1:{port}") as caught:
        call(f"{scheme}://127.0.0.1:{port}", "detect", b"photo", retry_policy=SHORT_PAUSES)
    assert type(caught.value) is UnavailableError
    assert caught.value.attempts == 3


@BOTH_CLIENTS
@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_connection_reset_is_unavailable(call, scheme):
    with servers.socket_server(servers.reset) as server:
        with pytest.raises(UnavailableError) as caught:
            call(f"{scheme}://127.0.0.1:{server.port}", "detect", b"photo")
        assert caught.value.attempts == 4
        assert server.requests >= 4  # no attempt fell into a reconnect pause of grpc


@BOTH_CLIENTS
def test_overload_that_lasts_is_reported_as_overload(call):
    with (
        servers.socket_server(servers.first_then_good(*[servers.http_response(503, OVERLOADED)] * 9)) as server,
        pytest.raises(ServerOverloadedError, match="Exceeds maximum queue size"),
    ):
        call(server.http_url, "detect", b"photo", retry_policy=SHORT_PAUSES)
    with (
        servers.grpc_server(*[(grpc.StatusCode.UNAVAILABLE, "Request timeout expired")] * 9) as (url, _),
        pytest.raises(ServerOverloadedError, match="Request timeout expired"),
    ):
        call(url, "detect", b"photo", retry_policy=SHORT_PAUSES)


@BOTH_CLIENTS
@pytest.mark.parametrize(
    ("code", "status"),
    [(400, "INVALID_ARGUMENT"), (403, "PERMISSION_DENIED"), (500, "INTERNAL"), (418, "UNKNOWN")],
)
def test_over_http_no_other_status_is_retried(call, code, status):
    response = servers.http_response(code, b'{"error": "what the server says"}')
    with servers.socket_server(servers.first_then_good(response)) as server:
        with pytest.raises(ServerError, match="what the server says") as caught:
            call(server.http_url, "detect", b"photo")
        assert caught.value.status == status
        assert server.requests == 1


@BOTH_CLIENTS
@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED]
)
def test_over_grpc_no_other_status_is_retried(call, code):
    with servers.grpc_server((code, "what the server says")) as (url, servicer):
        with pytest.raises(ServerError, match="what the server says") as caught:
            call(url, "detect", b"photo")
        assert caught.value.status == code.name
        assert servicer.requests == 1


@BOTH_CLIENTS
def test_a_server_that_is_no_triton_is_recognised(call):
    with (
        servers.socket_server(servers.first_then_good(servers.http_response(200, b"<html>hello</html>"))) as server,
        pytest.raises(UnexpectedResponseError, match="Is this a Triton server"),
    ):
        call(server.http_url, "detect", b"photo")


@BOTH_CLIENTS
def test_bytes_that_are_no_http_are_unavailable(call):
    with (
        servers.socket_server(servers.first_then_good(b"SSH-2.0-OpenSSH\r\n\r\n")) as server,
        pytest.raises(UnavailableError, match=r"HTTP to 127\.0\.0\.1"),
    ):
        call(server.http_url, "detect", b"photo", retry_policy=RetryPolicy(max_attempts=1))


@BOTH_CLIENTS
def test_headers_are_sent_with_every_request_in_both_protocols(call):
    heads = []

    def handle(connection, server):
        while head := servers.read_http_request(connection)[0]:
            heads.append(head.lower())
            connection.sendall(servers.good_http_response(head))

    headers = {"Triton-GRPC-Protocol-Admin": "secret"}
    with servers.socket_server(handle) as server:
        call(server.http_url, "detect", b"photo", headers=headers)
    assert len(heads) == 2
    assert all(b"triton-grpc-protocol-admin: secret" in head for head in heads)
    assert all(b"user-agent: genod-client/" in head for head in heads)
    with servers.grpc_server() as (url, servicer):
        call(url, "detect", b"photo", headers=headers)
    assert [sent["triton-grpc-protocol-admin"] for sent in servicer.metadata] == ["secret"] * 2


@BOTH_CLIENTS
def test_photos_beyond_the_default_message_limit_of_grpc_pass(call):
    with servers.grpc_server() as (url, _):
        assert call(url, "detect", bytes(9_000_000)) == expected_detections()
