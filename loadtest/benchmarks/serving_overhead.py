"""What does Triton cost? Detection over gRPC against the same files called in this process.

    python -m loadtest.benchmarks.serving_overhead            # starts a server of its own
    python -m loadtest.benchmarks.serving_overhead --url grpc://127.0.0.1:8001 --http-url http://127.0.0.1:8000

Both sides take encoded photos and give named detections' tensors; they take turns in short blocks of one run, so that
whatever else the machine does falls on both.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from rich.console import Console
from rich.progress import track
from rich.table import Table
from tritonclient.grpc import InferenceServerClient, InferInput

from genod_client import GenODClient
from loadtest.benchmarks.in_process import InProcessEnsemble

REPOSITORY = Path(__file__).resolve().parents[2] / "model_repository"
GOAL_RATIO = {"p50": 1.05, "p99": 1.15}
BLOCK_REQUESTS = 10
OUTPUTS = ("boxes", "scores", "class_ids", "is_propagated", "num_detections", "image_size")


@dataclass(frozen=True, slots=True)
class Server:
    """Addresses of a running server."""

    grpc_url: str
    http_url: str


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.benchmarks.serving_overhead", description=__doc__)
    parser.add_argument("--url", help="gRPC address of a running server; default: start one")
    parser.add_argument("--http-url", help="its HTTP address, for the statistics")
    parser.add_argument("--photos", type=Path, help="folder of photos; default: coco_mini val, or the demo's photos")
    parser.add_argument("--requests", type=int, default=600, help="measured requests of each side (%(default)s)")
    parser.add_argument("--json", type=Path, default=Path("out/bench/serving_overhead.json"))
    arguments = parser.parse_args(argv)
    console = Console()
    photos = [path.read_bytes() for path in _photo_paths(arguments.photos)]
    ensemble = InProcessEnsemble(REPOSITORY)
    with contextlib.ExitStack() as stack:
        if arguments.url:
            server = Server(arguments.url, arguments.http_url)
        else:
            server = stack.enter_context(_own_server(console))
        result = measure(ensemble, server, photos, requests=arguments.requests)
    _print(result, console)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    console.print(f"written to {arguments.json}", soft_wrap=True)
    return 0


def measure(ensemble: InProcessEnsemble, server: Server, photos: Sequence[bytes], *, requests: int) -> dict[str, Any]:
    """Time both sides in turns, check that they give the same tensors, and read the server's own statistics."""
    in_process_ms: list[float] = []
    served_ms: list[float] = []
    stage_ms: dict[str, list[float]] = {}
    with contextlib.closing(InferenceServerClient(server.grpc_url.removeprefix("grpc://"))) as client:
        for photo in photos:  # every photo once on both sides, outside the measurement: also the check
            expected, _ = ensemble(photo)
            answer = client.infer("detect", [_bytes_input(photo)])
            for name in OUTPUTS:
                np.testing.assert_allclose(answer.as_numpy(name), expected[name], rtol=0, atol=1e-4, err_msg=name)
        before = _statistics(server.http_url)
        blocks = -(-requests // BLOCK_REQUESTS)
        for block in track(range(blocks), description="in process and over gRPC, in turns", transient=True):
            of_block = [photos[(block * BLOCK_REQUESTS + k) % len(photos)] for k in range(BLOCK_REQUESTS)]
            sides = ["in process", "served"] if block % 2 else ["served", "in process"]
            for side in sides:
                time.sleep(0.05)  # until the other side's threads have stopped waiting for work
                for photo in of_block:
                    started = time.perf_counter()
                    if side == "served":
                        answer = client.infer("detect", [_bytes_input(photo)])
                        for name in OUTPUTS:
                            answer.as_numpy(name)
                        served_ms.append(1e3 * (time.perf_counter() - started))
                    else:
                        _, per_step = ensemble(photo)
                        in_process_ms.append(1e3 * (time.perf_counter() - started))
                        for name, value in per_step.items():
                            stage_ms.setdefault(name, []).append(value)
        after = _statistics(server.http_url)
    return {
        "machine": {
            "cores": os.cpu_count(),
            "processor": _processor(),
            "onnxruntime": onnxruntime.__version__,
        },
        "photos": len(photos),
        "requests_per_side": len(served_ms),
        "in_process_ms": _percentiles(in_process_ms),
        "served_ms": _percentiles(served_ms),
        "ratio": {k: _percentiles(served_ms)[k] / _percentiles(in_process_ms)[k] for k in GOAL_RATIO},
        "goal": GOAL_RATIO,
        "stages": _stages(before, after, stage_ms),
    }


def _bytes_input(photo: bytes) -> InferInput:
    tensor = InferInput("image", [1, 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[photo]], dtype=np.object_))
    return tensor


def _percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    return {f"p{q}": float(np.percentile(milliseconds, q)) for q in (50, 90, 99)}


def _statistics(http_url: str) -> dict[str, dict[str, Any]]:
    with urllib.request.urlopen(f"{http_url}/v2/models/stats", timeout=10) as response:
        models = json.load(response)["model_stats"]
    return {model["name"]: model["inference_stats"] for model in models}


def _stages(
    before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]], in_process_ms: dict[str, list[float]]
) -> dict[str, dict[str, float]]:
    """Return mean milliseconds per request: queue, input, infer, output of the server, and the step in process."""
    stages: dict[str, dict[str, float]] = {}
    for name, values in in_process_ms.items():
        stage = {"in_process_mean": float(np.mean(values))}
        for part in ("queue", "compute_input", "compute_infer", "compute_output"):
            count = after[name][part]["count"] - before[name][part]["count"]
            nanoseconds = after[name][part]["ns"] - before[name][part]["ns"]
            stage[part.removeprefix("compute_")] = nanoseconds / max(1, count) / 1e6
        stages[name] = stage
    return stages


def _print(result: dict[str, Any], console: Console) -> None:
    table = Table(
        "stage, mean ms",
        "in process",
        "served: queue",
        "input",
        "infer",
        "output",
        title="where the time goes",
    )
    for name, stage in result["stages"].items():
        cells = (stage[k] for k in ("in_process_mean", "queue", "input", "infer", "output"))
        table.add_row(name, *(f"{cell:.2f}" for cell in cells))
    console.print(table)
    table = Table("detection, ms", "in process", "over gRPC", "ratio", "goal", title="end to end, one caller")
    for q in ("p50", "p90", "p99"):
        ours, base = result["served_ms"][q], result["in_process_ms"][q]
        goal = f"<= {GOAL_RATIO[q]}" if q in GOAL_RATIO else ""
        table.add_row(q, f"{base:.1f}", f"{ours:.1f}", f"{ours / base:.3f}", goal)
    console.print(table)
    console.print(f"{result['requests_per_side']} requests a side, {result['photos']} photos, equal answers")


def _photo_paths(folder: Path | None) -> list[Path]:
    if folder is None:
        data = Path(os.environ.get("GENOD_DATA", REPOSITORY.parent / "../shared/data")) / "detection/coco_mini"
        if (data / "split.json").is_file():
            return [data / "images" / name for name in json.loads((data / "split.json").read_text())["val"]]
        import sklearn

        folder = Path(sklearn.__file__).parent / "datasets/images"
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not paths:
        raise SystemExit(f"no .jpg or .png in {folder}: name a folder of photos with --photos")
    return paths


@contextlib.contextmanager
def _own_server(console: Console) -> Iterator[Server]:
    http_port, grpc_port, metrics_port = _free_ports(3)
    command = [sys.executable, "-m", "serving", "--http-port", str(http_port), "--grpc-port", str(grpc_port)]
    process = subprocess.Popen([*command, "--metrics-port", str(metrics_port)], cwd=REPOSITORY.parent)
    try:
        server = Server(f"grpc://127.0.0.1:{grpc_port}", f"http://127.0.0.1:{http_port}")
        with console.status("waiting for the server"), GenODClient(server.grpc_url) as client:
            for _ in range(600):
                if process.poll() is not None:
                    raise SystemExit(f"the server ended with exit status {process.returncode}; its words are above")
                if client.is_ready(timeout_s=1):
                    break
                time.sleep(0.2)
            else:
                raise SystemExit("the server was not ready after two minutes")
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


if __name__ == "__main__":
    sys.exit(main())
