"""Does the load generator hold 2,000 requests per second on one core, on time? And what does a stall look like to it?

    python -m loadtest.benchmarks.generator

Against the fake server on another core. Lag is from when a request was due to when it was sent; a generator that lags
measures itself. The goal is a lag p99 under 1 ms. For comparison in the same run: what the client's own asyncio
transport costs per request, and what a closed loop (send, wait, send) makes of a server that stands still for a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.table import Table

from genod_client import AsyncGenODClient, GenODClient
from loadtest.arrivals import RateLine, poisson_arrivals
from loadtest.fake_server import FakeServer, FakeServerOptions
from loadtest.interrupt import Interrupt
from loadtest.machine import describe_machine
from loadtest.open_loop.driving import drive
from loadtest.open_loop.live import Live
from loadtest.open_loop.load import Load, ServerAddress
from loadtest.open_loop.samples import Samples
from loadtest.payloads import Photo

Protocol = Literal["http", "grpc"]

GOAL_LAG_P99_MS = 1.0
WARMUP_S = 2.0
STALL_RATE_PER_S = 100.0


class _Silent:
    def on_live(self, live: Live) -> None:
        pass

    def on_window_start(self) -> None:
        pass

    def on_window_end(self) -> None:
        pass


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.benchmarks.generator", description=__doc__)
    parser.add_argument("--rate", type=float, default=2000.0, help="requests per second (%(default)g)")
    parser.add_argument("--duration", type=float, default=15.0, help="measured seconds of each protocol (%(default)g)")
    parser.add_argument("--photo-bytes", type=int, default=30_000, help="size of each photo (%(default)s)")
    parser.add_argument("--json", type=Path, default=Path("out/bench/generator.json"))
    arguments = parser.parse_args(argv)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:  # the server gets another one; workers inherit this one
        os.sched_setaffinity(0, {cores[0]})
    server_core = cores[-1]
    photo = Photo(name="noise", content=np.random.default_rng(0).bytes(arguments.photo_bytes))
    protocols: tuple[Protocol, ...] = ("http", "grpc")
    result: dict[str, Any] = {
        "machine": {**describe_machine(), "cores": len(cores)},
        "rate_per_s": arguments.rate,
        "photo_bytes": arguments.photo_bytes,
        "goal_lag_p99_ms": GOAL_LAG_P99_MS,
        "open_loop": {p: _open_loop(p, photo, arguments.rate, arguments.duration, server_core) for p in protocols},
        "client_processor_us_per_request": {p: _client_cost(p, photo, server_core) for p in protocols},
        "stall": _stall(photo, server_core),
    }
    _print(result, Console())
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    print(f"written to {arguments.json}")
    return 0


def _send(url: str, photo: Photo, rate_per_s: float, duration_s: float, seed: int) -> Samples:
    lines = (RateLine(duration_s=duration_s, start_per_s=rate_per_s, end_per_s=rate_per_s),)
    scheduled_s = poisson_arrivals(lines, np.random.default_rng(seed))
    load = Load(
        address=ServerAddress(url=url),
        photos=(photo,),
        scheduled_s=scheduled_s,
        photo_of=np.zeros(len(scheduled_s), np.int32),
        stamp_of=np.arange(len(scheduled_s)),
        salt=os.urandom(8),
        timeout_s=10.0,
        max_in_flight=5000,
        connections=64,
    )
    with Interrupt() as interrupt:
        return drive(
            load, workers=1, window_s=(0.0, duration_s), observer=_Silent(), interrupt=interrupt, give_up_after_s=15.0
        )


def _open_loop(protocol: Protocol, photo: Photo, rate_per_s: float, duration_s: float, core: int) -> dict[str, Any]:
    with FakeServer(FakeServerOptions(service_ms=0.1, grpc_port=0), cpu=core) as server:
        samples = _send(getattr(server, f"{protocol}_url"), photo, rate_per_s, WARMUP_S + duration_s, seed=1)
    measured = samples.scheduled_s >= WARMUP_S
    not_sent = measured & samples.is_not_sent
    lag_ms = samples.lag_ms[measured & ~not_sent]
    lags = {f"p{q:g}": float(np.percentile(lag_ms, q)) for q in (50, 90, 99, 99.9)}
    return {
        "requests": int(measured.sum()),
        "failed": int((measured & samples.is_failed).sum()),
        "not_sent": int(not_sent.sum()),
        "lag_ms": {**lags, "max": float(lag_ms.max())},
        "late_share": float(((lag_ms > GOAL_LAG_P99_MS).sum() + not_sent.sum()) / measured.sum()),
        "latency_p99_ms": float(np.percentile(samples.latency_ms[measured & samples.is_answered], 99)),
        "core_share": samples.processor_s / (WARMUP_S + duration_s),
        "processor_us_per_request": 1e6 * samples.processor_s / len(samples.scheduled_s),
        "goal_met": lags["p99"] < GOAL_LAG_P99_MS and not not_sent.any(),
    }


def _client_cost(protocol: Protocol, photo: Photo, core: int, *, requests: int = 1500) -> float:
    """Return the processor time of the client's own asyncio transport, decoding included, in a closed loop of 8."""

    async def ask(url: str) -> float:
        remaining = iter(range(requests))

        async def caller(client: AsyncGenODClient) -> None:
            for _ in remaining:
                await client.detect(photo.content)

        async with AsyncGenODClient(url) as client:
            await client.detect(photo.content)
            before_s = time.process_time()
            await asyncio.gather(*(caller(client) for _ in range(8)))
            return time.process_time() - before_s

    with FakeServer(FakeServerOptions(service_ms=0.1, grpc_port=0), cpu=core) as server:
        return 1e6 * asyncio.run(ask(getattr(server, f"{protocol}_url"))) / requests


def _stall(photo: Photo, core: int) -> dict[str, float]:
    """Return the p99 of 10 s in which the server stands still for one, measured by both kinds of loop."""
    half = int(5 * STALL_RATE_PER_S)
    options = FakeServerOptions(service_ms=1.0, stall_after=half, stall_s=1.0)
    with FakeServer(options, cpu=core) as server:
        samples = _send(server.http_url, photo, STALL_RATE_PER_S, 10.0, seed=2)
    closed_ms = []
    with FakeServer(options, cpu=core) as server, GenODClient(server.http_url) as client:
        client.detect(photo.content)
        for _ in range(2 * half):
            started_s = time.perf_counter()
            client.detect(photo.content)
            closed_ms.append(1e3 * (time.perf_counter() - started_s))
            time.sleep(max(0.0, 1 / STALL_RATE_PER_S - (time.perf_counter() - started_s)))
    return {
        "open_loop_p99_ms": float(np.percentile(samples.latency_ms, 99)),
        "closed_loop_p99_ms": float(np.percentile(closed_ms, 99)),
        "rate_per_s": STALL_RATE_PER_S,
    }


def _print(result: dict[str, Any], console: Console) -> None:
    table = Table(
        "protocol", "requests", "failed", "not sent", "lag p50", "p90", "p99", "p99.9", "max", "late", "core",
        "us/request", "client's own", title=f"{result['rate_per_s']:g} requests/s from one core, milliseconds",
    )  # fmt: skip
    for protocol, row in result["open_loop"].items():
        table.add_row(
            protocol,
            f"{row['requests']:,}",
            str(row["failed"]),
            str(row["not_sent"]),
            *(f"{value:.3f}" for value in row["lag_ms"].values()),
            f"{100 * row['late_share']:.2f} %",
            f"{100 * row['core_share']:.0f} %",
            f"{row['processor_us_per_request']:.0f}",
            f"{result['client_processor_us_per_request'][protocol]:.0f}",
        )
    console.print(table)
    met = all(row["goal_met"] for row in result["open_loop"].values())
    console.print(f"goal: lag p99 < {result['goal_lag_p99_ms']:g} ms: {'met' if met else 'missed'}")
    stall = result["stall"]
    console.print(
        f"a stall of 1 s within 10 s at {stall['rate_per_s']:g}/s: p99 {stall['open_loop_p99_ms']:.0f} ms by the open "
        f"loop, {stall['closed_loop_p99_ms']:.1f} ms by a closed one"
    )


if __name__ == "__main__":
    sys.exit(main())
