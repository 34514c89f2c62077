import asyncio
import contextlib
import threading

import pytest
from aiohttp import web

from loadtest.benchmarks.peers.http_load import Post, closed_loop, fetch, open_loop


@contextlib.contextmanager
def server(handler):
    """A small HTTP server in a thread; yields a request to it."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    address = []

    async def start():
        app = web.Application()
        app.router.add_post("/", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address.extend(runner.addresses[0])
        started.set()
        return runner

    def run():
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(10)
    try:
        yield Post(url=f"http://127.0.0.1:{address[1]}/", body=b"photo", headers={"X-Side": "test"})
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def sleepy(request):
    assert await request.read() == b"photo"
    await asyncio.sleep(0.02)
    return web.Response(body=b"answer")


async def broken(_request):
    return web.Response(status=500)


def test_a_closed_loop_has_no_more_requests_under_way_than_callers():
    under_way, most = [0], [0]

    async def counting(_request):
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        await asyncio.sleep(0.01)
        under_way[0] -= 1
        return web.Response()

    with server(counting) as post:
        outcome = closed_loop([post], callers=3, seconds=0.5)
    assert most[0] == 3
    assert len(outcome.latencies_ms) > 10
    assert outcome.errors == 0
    assert min(outcome.latencies_ms) >= 10


def test_an_open_loop_does_not_wait_for_answers():
    with server(sleepy) as post:
        outcome = open_loop([post], rate_per_s=200, seconds=0.5, seed=1)
    assert len(outcome.latencies_ms) == 100  # one caller could not have had 100 x 20 ms in that time
    assert min(outcome.latencies_ms) >= 20


def test_answers_that_are_errors_are_counted_and_have_no_latency():
    with server(broken) as post:
        outcome = closed_loop([post], callers=1, seconds=0.2)
        assert outcome.errors > 0
        assert outcome.latencies_ms == []
        with pytest.raises(Exception, match="500"):
            fetch(post)


def test_outcomes_of_rounds_add_up():
    with server(sleepy) as post:
        first = closed_loop([post], callers=1, seconds=0.1)
        count = len(first.latencies_ms)
        second = closed_loop([post], callers=1, seconds=0.1)
        first += second
    assert len(first.latencies_ms) == count + len(second.latencies_ms)
    assert first.seconds > 0.2
