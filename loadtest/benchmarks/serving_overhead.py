"""What does Triton cost? Detection over gRPC against the same files called in this process, set up in three ways.

    python -m loadtest.benchmarks.serving_overhead            # starts a server of its own
    python -m loadtest.benchmarks.serving_overhead --url grpc://127.0.0.1:8001 --http-url http://127.0.0.1:8000

All sides take encoded photos and give the same tensors. They take turns in short blocks of one run, so that whatever
else the machine does falls on all.
"""

import argparse
import contextlib
import json
import os
import platform
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import onnxruntime
from rich.console import Console
from rich.progress import track
from rich.table import Table
from tritonclient.grpc import InferenceServerClient

from loadtest.benchmarks.detect_request import OUTPUTS, photo_input
from loadtest.benchmarks.in_process import InProcessEnsemble, Settings
from loadtest.benchmarks.own_server import Server, own_server
from loadtest.benchmarks.photos import photo_paths

REPOSITORY = Path(__file__).resolve().parents[2] / "model_repository"
GOAL_RATIO = {"p50": 1.05, "p99": 1.15}
BLOCK_REQUESTS = 10
SERVED: Literal["served"] = "served"
SERVER_PARTS = ("queue", "compute_input", "compute_infer", "compute_output")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.benchmarks.serving_overhead", description=__doc__)
    parser.add_argument("--url", help="gRPC address of a running server; default: start one")
    parser.add_argument("--http-url", help="its HTTP address, for the statistics")
    parser.add_argument("--photos", type=Path, help="folder of photos; default: coco_mini val, or the demo's photos")
    parser.add_argument("--requests", type=int, default=400, help="measured requests of each side (%(default)s)")
    parser.add_argument("--json", type=Path, default=Path("out/bench/serving_overhead.json"))
    arguments = parser.parse_args(argv)
    console = Console()
    photos = [path.read_bytes() for path in photo_paths(arguments.photos)]
    in_process = {settings: InProcessEnsemble(REPOSITORY, settings=settings) for settings in get_args(Settings)}
    with contextlib.ExitStack() as stack:
        if arguments.url:
            server = Server(arguments.url, arguments.http_url)
        else:
            server = stack.enter_context(own_server(console))
        result = measure(in_process, server, photos, requests=arguments.requests)
    _print(result, console)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    console.print(f"written to {arguments.json}", soft_wrap=True)
    return 0


def measure(
    in_process: Mapping[Settings, InProcessEnsemble], server: Server, photos: Sequence[bytes], *, requests: int
) -> dict[str, Any]:
    """Time all sides in turns, check that they give the same tensors, and read the server's own statistics."""
    milliseconds: dict[Settings | Literal["served"], list[float]] = {SERVED: [], **{s: [] for s in in_process}}
    stage_ms: dict[str, dict[str, list[float]]] = {settings: {} for settings in in_process}
    with contextlib.closing(InferenceServerClient(server.grpc_url.removeprefix("grpc://"))) as client:

        def call_server(photo: bytes) -> dict[str, Any]:
            answer = client.infer("detect", [photo_input(photo)])
            return {name: answer.as_numpy(name) for name in OUTPUTS}

        for photo in photos:  # every photo once on every side, outside the measurement: also the check
            answer = call_server(photo)
            for ensemble in in_process.values():
                expected, _ = ensemble(photo)
                for name in OUTPUTS:
                    np.testing.assert_allclose(answer[name], expected[name], rtol=0, atol=1e-3, err_msg=name)
        before = _statistics(server.http_url)
        blocks = -(-requests // BLOCK_REQUESTS)
        sides = list(milliseconds)
        for block in track(range(blocks), description="in process and over gRPC, in turns", transient=True):
            of_block = [photos[(block * BLOCK_REQUESTS + k) % len(photos)] for k in range(BLOCK_REQUESTS)]
            sides = sides[1:] + sides[:1]
            for side in sides:
                time.sleep(0.05)  # until the other sides' threads have stopped waiting for work
                # The first call after a switch pays for caches that the other sides have filled: not counted.
                call_server(of_block[-1]) if side == SERVED else in_process[side](of_block[-1])
                for photo in of_block:
                    started = time.perf_counter()
                    if side == SERVED:
                        call_server(photo)
                        milliseconds[side].append(1e3 * (time.perf_counter() - started))
                    else:
                        _, per_step = in_process[side](photo)
                        milliseconds[side].append(1e3 * (time.perf_counter() - started))
                        for name, value in per_step.items():
                            stage_ms[side].setdefault(name, []).append(value)
        after = _statistics(server.http_url)
    served = _percentiles(milliseconds[SERVED])
    return {
        "machine": {"cores": os.cpu_count(), "processor": _processor(), "onnxruntime": onnxruntime.__version__},
        "photos": len(photos),
        "requests_per_side": len(milliseconds[SERVED]),
        "served_ms": served,
        "in_process_ms": {settings: _percentiles(milliseconds[settings]) for settings in in_process},
        "ratio": {
            settings: {q: served[q] / _percentiles(milliseconds[settings])[q] for q in served}
            for settings in in_process
        },
        "goal": GOAL_RATIO,
        "stages": _stages(before, after, stage_ms),
    }


def _percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    return {f"p{q}": float(np.percentile(milliseconds, q)) for q in (50, 90, 99)}


def _statistics(http_url: str) -> dict[str, dict[str, Any]]:
    with urllib.request.urlopen(f"{http_url}/v2/models/stats", timeout=10) as response:
        models = json.load(response)["model_stats"]
    return {model["name"]: model["inference_stats"] for model in models}


def _stages(
    before: dict[str, dict[str, Any]],
    after: dict[str, dict[str, Any]],
    in_process_ms: Mapping[str, Mapping[str, list[float]]],
) -> dict[str, dict[str, float]]:
    """Return mean milliseconds per request: the server's queue, input, infer and output, and the step in process."""
    stages: dict[str, dict[str, float]] = {}
    for name in next(iter(in_process_ms.values())):
        stage = {settings: float(np.mean(of_steps[name])) for settings, of_steps in in_process_ms.items()}
        for part in SERVER_PARTS:
            count = after[name][part]["count"] - before[name][part]["count"]
            nanoseconds = after[name][part]["ns"] - before[name][part]["ns"]
            stage[part.removeprefix("compute_")] = nanoseconds / max(1, count) / 1e6
        stages[name] = stage
    return stages


def _print(result: dict[str, Any], console: Console) -> None:
    columns = list(next(iter(result["stages"].values())))
    table = Table("stage, mean ms", *columns, title="where the time goes: in process set up in three ways, and served")
    for name, stage in result["stages"].items():
        table.add_row(name, *(f"{stage[column]:.2f}" for column in columns))
    console.print(table)
    table = Table(
        "one caller, ms", *(q for q in result["served_ms"]), title="end to end, served over in process in brackets"
    )
    table.add_row("served over gRPC", *(f"{value:.1f}" for value in result["served_ms"].values()))
    for settings, values in result["in_process_ms"].items():
        cells = (f"{values[q]:.1f} ({result['ratio'][settings][q]:.3f})" for q in values)
        table.add_row(f"in process, {settings}", *cells)
    console.print(table)
    goal = ", ".join(f"{q} <= {value}" for q, value in result["goal"].items())
    console.print(
        f"goal: {goal}; {result['requests_per_side']} requests a side, {result['photos']} photos, equal answers"
    )


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


if __name__ == "__main__":
    sys.exit(main())
