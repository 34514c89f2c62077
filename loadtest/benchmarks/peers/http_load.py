"""One client for all sides: prepared POST requests, in a closed loop or at a rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
import numpy as np

_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Post:
    """A request, as bytes."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(kw_only=True)
class Outcome:
    """What came back."""

    latencies_ms: list[float] = field(default_factory=list)
    """In a closed loop from the sending; at a rate from when the request was due."""
    errors: int = 0
    seconds: float = 0.0

    def __iadd__(self, other: Outcome) -> Outcome:
        self.latencies_ms += other.latencies_ms
        self.errors += other.errors
        self.seconds += other.seconds
        return self


def fetch(post: Post) -> bytes:
    """Return one answer; raise on an error."""

    async def once() -> bytes:
        async with (
            aiohttp.ClientSession() as session,
            session.post(post.url, data=post.body, headers=post.headers) as r,
        ):
            r.raise_for_status()
            return await r.read()

    return asyncio.run(once())


def closed_loop(posts: Sequence[Post], *, callers: int, seconds: float) -> Outcome:
    """Let callers send one request after the other for some seconds."""

    async def run() -> Outcome:
        outcome = Outcome()
        async with _session() as session:
            started = time.perf_counter()

            async def call(who: int) -> None:
                k = who * len(posts) // callers
                while (sent := time.perf_counter()) - started < seconds:
                    await _send(session, posts[k % len(posts)], sent, outcome)
                    k += 1

            await asyncio.gather(*(call(who) for who in range(callers)))
            outcome.seconds = time.perf_counter() - started
        return outcome

    return asyncio.run(run())


def open_loop(posts: Sequence[Post], *, rate_per_s: float, seconds: float, seed: int) -> Outcome:
    """Send requests at Poisson times, whether or not answers come."""
    random = np.random.default_rng(seed)
    due = np.cumsum(random.exponential(1 / rate_per_s, max(1, round(rate_per_s * seconds)))).tolist()

    async def run() -> Outcome:
        outcome = Outcome()
        async with _session() as session:
            started = time.perf_counter()
            sending = []
            for k, at in enumerate(due):
                await asyncio.sleep(max(0.0, started + at - time.perf_counter()))
                sending.append(asyncio.create_task(_send(session, posts[k % len(posts)], started + at, outcome)))
            await asyncio.gather(*sending)
            outcome.seconds = time.perf_counter() - started
        return outcome

    return asyncio.run(run())


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)
    )


async def _send(session: aiohttp.ClientSession, post: Post, since: float, outcome: Outcome) -> None:
    try:
        async with session.post(post.url, data=post.body, headers=post.headers) as response:
            await response.read()
            if response.status == 200:
                outcome.latencies_ms.append(1e3 * (time.perf_counter() - since))
                return
    except (aiohttp.ClientError, TimeoutError):
        pass
    outcome.errors += 1
