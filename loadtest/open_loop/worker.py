"""The process that generates load."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import os
import resource
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TypeAlias

import uvloop

from genod_client import DeadlineExceededError, GenODError
from genod_client.endpoint import Endpoint, parse_endpoint
from loadtest.open_loop.dispatcher import Dispatcher
from loadtest.open_loop.load import Load
from loadtest.open_loop.records import Records
from loadtest.open_loop.sender import Finish, Sender

# As `nice` counts; without the right to it nothing changes.
PRIORITY = -10


@dataclass(frozen=True, slots=True)
class Ready:
    """The connections are open, and a first request was answered. The parent answers with the start time."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """There is no server to load; the worker ends."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class NewError:
    """The first error of a group."""

    outcome: int
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Done:
    """All requests have ended; the worker ends."""

    connections_opened: int
    processor_s: float


Message: TypeAlias = Ready | Unreachable | NewError | Done


def work(load: Load, records: Records, pipe: Connection, is_probing: bool) -> None:
    """Generate load; the entry point of the process.

    Args:
        load: what to send.
        records: where to write what happened.
        pipe: to the parent.
        is_probing: whether to send one request before the load, to see whether it is answered properly.
    """
    # Ctrl-C reaches the whole group of processes; the parent decides what it means.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _raise_file_limit()
    # Where we may: a generator that waits for other processes measures those. It takes no more time for it.
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    # The parent has gone, and with it whoever wanted to know.
    with contextlib.suppress(BrokenPipeError, EOFError, ConnectionResetError):
        uvloop.run(_work(load, records, pipe, is_probing))


async def _work(load: Load, records: Records, pipe: Connection, is_probing: bool) -> None:
    dispatcher = Dispatcher(load=load, records=records, on_new_error=lambda *fields: pipe.send(NewError(*fields)))
    try:
        endpoint = parse_endpoint(
            load.address.url, headers=load.address.headers, ca_certificate=load.address.ca_certificate
        )
        if is_probing:
            await _probe(load, endpoint)
        sender = _sender(load, endpoint, dispatcher.finish)
        await sender.open(load.timeout_s)
    except GenODError as error:
        pipe.send(Unreachable(type(error).__name__, str(error)))
        return
    # Collections then look at the requests on their way only, and take microseconds.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    pipe.send(Ready())
    start_at_s = pipe.recv()
    processor_before_s = time.process_time()
    await dispatcher.run(sender, start_at_s)
    processor_s = time.process_time() - processor_before_s
    pipe.send(Done(getattr(sender, "opened", 0), processor_s))
    await sender.close()


def _sender(load: Load, endpoint: Endpoint, finish: Finish) -> Sender:
    # Each protocol's libraries are imported only where they are used.
    if endpoint.is_grpc:
        from loadtest.open_loop.grpc_sender import GrpcSender

        return GrpcSender(load, endpoint, finish)
    from loadtest.open_loop.http_sender import HttpSender

    return HttpSender(load, endpoint, finish)


async def _probe(load: Load, endpoint: Endpoint) -> None:
    """Send one request and wait for its answer.

    Raises:
        GenODError: it failed.
    """
    ended: asyncio.Future[GenODError | None] = asyncio.get_running_loop().create_future()
    sender = _sender(
        dataclasses.replace(load, photos=load.photos[:1], connections=1),
        endpoint,
        lambda _, error: ended.set_result(error),
    )
    try:
        await sender.open(load.timeout_s)
        sender.send(0, 0, -1)
        async with asyncio.timeout(load.timeout_s):
            error = await ended
    except TimeoutError as timeout:
        raise DeadlineExceededError(f"no answer within {load.timeout_s:g} s") from timeout
    finally:
        await sender.close()
    if error is not None:
        raise error


def _raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
