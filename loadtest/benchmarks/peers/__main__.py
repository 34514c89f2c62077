"""Triton against what people would pick instead, in one run.

    python -m loadtest.benchmarks.peers

The same ONNX files (for eager PyTorch: their weights in the modules they were exported from), the same photos, one
machine, one HTTP client. Peers get the photo as the raw body of a POST and answer JSON without padding; Triton gets and
gives its binary tensors. Sides take turns in short blocks of one run; a side that waits for its turn is paused.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from loadtest.benchmarks.peers.agreement import check_agreement
from loadtest.benchmarks.peers.http_load import Outcome, closed_loop, fetch, open_loop
from loadtest.benchmarks.peers.sides import TRITON, Side, running_sides
from loadtest.benchmarks.photos import photo_paths
from loadtest.machine import describe_machine

CALLERS = (1, 2, 4, 8)
OPEN_SHARES = (0.5, 0.75)
"""Rates of the open loop, as shares of the highest closed-loop throughput of Triton."""
_PERCENTILES = (50, 99)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.benchmarks.peers", description=__doc__)
    parser.add_argument("--photos", type=Path, help="folder of photos; default: coco_mini val, or the demo's photos")
    parser.add_argument("--photo-count", type=int, default=24, help="how many of them are sent (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of every side (%(default)s)")
    parser.add_argument("--block-s", type=float, default=3.0, help="seconds of a block at a number of callers")
    parser.add_argument("--json", type=Path, default=Path("out/bench/peers.json"))
    arguments = parser.parse_args(argv)
    console = Console()
    photos = [path.read_bytes() for path in photo_paths(arguments.photos)[: arguments.photo_count]]
    with running_sides(photos, console) as sides:
        compare_answers(sides)
        result = measure(sides, rounds=arguments.rounds, block_s=arguments.block_s, console=console)
    result["photos"] = len(photos)
    print_tables(result, console)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    console.print(f"written to {arguments.json}", soft_wrap=True)
    return 0


def compare_answers(sides: Sequence[Side]) -> None:
    """Ask every side for every photo; this is its warm-up too."""
    reference = sides[0]
    expected = [reference.read(fetch(post)) for post in reference.posts]
    for side in sides[1:]:
        side.resume()
        for k, post in enumerate(side.posts):
            check_agreement(expected[k], side.read(fetch(post)), what=f"{reference.name} and {side.name}, photo {k}")
        side.pause()


def measure(sides: Sequence[Side], *, rounds: int, block_s: float, console: Console) -> dict[str, Any]:
    """Time all sides in turns."""
    closed = {side.name: {callers: Outcome() for callers in CALLERS} for side in sides}
    turns = list(sides)
    for number in range(rounds):
        turns = turns[1:] + turns[:1]
        for side in turns:
            with console.status(f"round {number + 1} of {rounds}, callers side by side: {side.name}"), _turn_of(side):
                for callers in CALLERS:
                    closed[side.name][callers] += closed_loop(side.posts, callers=callers, seconds=block_s)
    peaks = {name: max(_throughput(outcome) for outcome in by.values()) for name, by in closed.items()}
    rates = [round(share * peaks[TRITON], 1) for share in OPEN_SHARES]
    opened = {side.name: {rate: Outcome() for rate in rates} for side in sides}
    for number in range(rounds):
        turns = turns[1:] + turns[:1]
        for side in turns:
            with console.status(f"round {number + 1} of {rounds}, at a rate: {side.name}"), _turn_of(side):
                for rate in rates:
                    opened[side.name][rate] += open_loop(side.posts, rate_per_s=rate, seconds=block_s, seed=number)
    return {
        "machine": describe_machine(),
        "versions": {name: version(name) for name in ("onnxruntime", "torch", "fastapi", "uvicorn", "litserve")},
        "rounds": rounds,
        "block_s": block_s,
        "closed_loop": {
            name: {str(callers): _figures(outcome) for callers, outcome in by.items()} for name, by in closed.items()
        },
        "open_loop": {
            name: {f"{rate:g}": _figures(outcome) for rate, outcome in by.items()} for name, by in opened.items()
        },
        "peak_per_s": peaks,
        "peak_ratio": {name: peak / peaks[TRITON] for name, peak in peaks.items()},
    }


@contextlib.contextmanager
def _turn_of(side: Side) -> Iterator[None]:
    side.resume()
    closed_loop(side.posts, callers=2, seconds=0.5)  # caches are full of the others' data: not counted
    try:
        yield
    finally:
        time.sleep(0.2)  # whatever it has not finished
        side.pause()


def _throughput(outcome: Outcome) -> float:
    return len(outcome.latencies_ms) / outcome.seconds if outcome.seconds else 0.0


def _figures(outcome: Outcome) -> dict[str, Any]:
    latencies = outcome.latencies_ms
    return {
        "per_s": _throughput(outcome),
        "samples": len(latencies),
        "errors": outcome.errors,
        **{f"p{q}_ms": float(np.percentile(latencies, q)) if latencies else None for q in _PERCENTILES},
    }


def print_tables(result: dict[str, Any], console: Console) -> None:
    """Print each loop as a table, with ratios to Triton in brackets."""
    for loop, title, unit in (
        ("closed_loop", "callers who each wait for their answer", "callers"),
        ("open_loop", "requests at random times, whatever the server does", "/s"),
    ):
        table = Table("", unit, "requests/s", "p50 ms", "p99 ms", "errors", title=f"{title}; over Triton in brackets")
        for name, by_load in result[loop].items():
            for load, figures in by_load.items():
                base = result[loop][TRITON][load]
                cells = [_cell(figures[key], base[key]) for key in ("per_s", "p50_ms", "p99_ms")]
                table.add_row(name, load, *cells, str(figures["errors"]))
            table.add_section()
        console.print(table)
    for name, peak in result["peak_per_s"].items():
        console.print(f"peak of {name}: {peak:.1f} requests/s, {result['peak_ratio'][name]:.2f} of Triton's")


def _cell(value: float | None, base: float | None) -> str:
    if value is None or not base:
        return "-"
    return f"{value:.1f} ({value / base:.2f})"


if __name__ == "__main__":
    sys.exit(main())
