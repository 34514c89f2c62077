"""A call is over when its time is, whatever the server does. Real sockets, as a fake could not hang."""

import asyncio
import time

import pytest

from genod_client import AsyncGenODClient, DeadlineExceededError, GenODClient, RetryPolicy
from genod_client.endpoint import parse_endpoint
from genod_client.transports.http_asyncio import AsyncHttpTransport
from tests.clients import servers
from tests.clients.answers import expected_detections
from tests.clients.calls import BOTH_CLIENTS

TIMEOUT_S = 0.4
# The machine may be busy: what matters is that a call ends by itself, and that it does not take a multiple.
LATEST_S = TIMEOUT_S + 1.0
# More than the socket buffers of both sides hold.
LARGE_PHOTO = b"\xff\xd8" + bytes(64_000_000)


def assert_times_out(call, url, image=b"photo", **settings):
    started_s = time.monotonic()
    with pytest.raises(DeadlineExceededError, match=r"did not finish within its 0\.4 s"):
        call(url, "detect", image, timeout_s=TIMEOUT_S, **settings)
    assert TIMEOUT_S * 0.9 <= time.monotonic() - started_s < LATEST_S


@BOTH_CLIENTS
@pytest.mark.parametrize("behaviour", [servers.stall, servers.drip, servers.drip_body], ids=lambda b: b.__name__)
def test_over_http_a_server_that_does_not_finish_is_left_in_time(call, behaviour):
    with servers.socket_server(behaviour) as server:
        assert_times_out(call, server.http_url)
        assert server.requests == 1


@BOTH_CLIENTS
def test_over_http_a_server_that_does_not_read_is_left_in_time(call):
    with servers.socket_server(servers.never_read) as server:
        assert_times_out(call, server.http_url, LARGE_PHOTO)


@BOTH_CLIENTS
def test_over_grpc_a_server_that_does_not_answer_is_left_in_time(call):
    with servers.socket_server(servers.stall) as server:
        assert_times_out(call, server.grpc_url)


@BOTH_CLIENTS
def test_the_deadline_covers_all_attempts_and_pauses_together(call):
    policy = RetryPolicy(first_pause_s=0.02)
    refusals = [servers.http_response(503, b'{"error": "loading"}')] * 2
    with servers.socket_server(first_then_stall(refusals)) as server:
        assert_times_out(call, server.http_url, retry_policy=policy)
        assert server.requests == 3


def first_then_stall(responses):
    remaining = list(responses)

    def handle(connection, server):
        while servers.read_http_request(connection)[0]:
            server.requests += 1
            if remaining:
                connection.sendall(remaining.pop(0))

    return handle


def test_a_client_works_on_after_calls_ran_out_of_time():
    late = [None]

    def handle(connection, server):
        while head := servers.read_http_request(connection)[0]:
            if late:
                late.pop()
                time.sleep(TIMEOUT_S + 0.2)  # its answer comes too late, and must not be taken for the next one's
            connection.sendall(servers.good_http_response(head))

    with servers.socket_server(handle) as server, GenODClient(server.http_url) as client:
        with pytest.raises(DeadlineExceededError):
            client.detect(b"photo", timeout_s=TIMEOUT_S)
        assert client.detect(b"photo") == expected_detections()


def test_a_hundred_tasks_that_give_up_leave_no_connection_behind():
    is_stalling = [True]

    def handle(connection, server):
        while head := servers.read_http_request(connection)[0]:
            if is_stalling:
                servers.stall(connection, server)
                return
            connection.sendall(servers.good_http_response(head))

    async def scenario(url):
        transport = AsyncHttpTransport(parse_endpoint(url))
        async with AsyncGenODClient(url, transport=transport) as client:
            calls = [client.detect(b"photo", timeout_s=0.3) for _ in range(100)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(result) for result in results} == {DeadlineExceededError}
            is_stalling.clear()
            assert await client.detect(b"photo") == expected_detections()
            assert len(transport._pool.connections) == 1

    with servers.socket_server(handle) as server:
        asyncio.run(scenario(server.http_url))


def test_cancelling_a_task_cancels_its_call():
    async def scenario(url):
        async with AsyncGenODClient(url) as client:
            task = asyncio.create_task(client.detect(b"photo"))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with servers.socket_server(servers.stall) as server:
        for url in (server.http_url, server.grpc_url):
            asyncio.run(scenario(url))
