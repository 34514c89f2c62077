"""Runs the fake server in this process until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable

import uvloop

from loadtest.fake_server.answers import Description
from loadtest.fake_server.behaviour import Behaviour
from loadtest.fake_server.delayed_answers import DelayedAnswers
from loadtest.fake_server.http_protocol import HttpProtocol, Responses
from loadtest.fake_server.options import FakeServerOptions


def serve(options: FakeServerOptions, on_listening: Callable[[list[str]], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        options: what to do.
        on_listening: called once with the addresses: `http://...`, then `grpc://...` where there is one.
    """
    gc.freeze()  # the collector would stall requests for the sake of modules that live for ever
    uvloop.run(_serve(options, on_listening))


async def _serve(options: FakeServerOptions, on_listening: Callable[[list[str]], None]) -> None:
    loop = asyncio.get_running_loop()
    behaviour = Behaviour(options)
    description = Description(options, behaviour)
    answers = DelayedAnswers(behaviour, loop)
    responses = Responses(options.model)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    http_server = await loop.create_server(
        lambda: HttpProtocol(description=description, responses=responses, answers=answers),
        options.host,
        options.http_port,
        backlog=1024,
    )
    urls = [f"http://{options.host}:{http_server.sockets[0].getsockname()[1]}"]
    grpc_server = None
    if options.grpc_port is not None:
        # Imported here: grpc takes longer to import than the rest of the server to start.
        from loadtest.fake_server.grpc_service import GrpcService, start_grpc

        service = GrpcService(description=description, answers=answers)
        grpc_server, port = await start_grpc(service, f"{options.host}:{options.grpc_port}")
        urls.append(f"grpc://{options.host}:{port}")
    on_listening(urls)
    await stopped.wait()
    answers.close()
    http_server.close()
    if grpc_server is not None:
        with contextlib.suppress(asyncio.CancelledError):
            await grpc_server.stop(grace=None)
