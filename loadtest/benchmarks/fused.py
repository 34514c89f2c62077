"""What does one graph save? `detect` step by step against `detect_fused`, served side by side by one server.

    python -m loadtest.benchmarks.fused

The server holds both, callers ask for them in turns of one run, and the answers are compared before anything is timed.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from tritonclient.grpc import InferenceServerClient

from loadtest.benchmarks.detect_request import OUTPUTS, photo_input
from loadtest.benchmarks.in_turns import time_in_turns
from loadtest.benchmarks.own_server import CHECKOUT, own_server
from loadtest.benchmarks.photos import photo_paths

ENSEMBLES = ("detect", "detect_fused")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.benchmarks.fused", description=__doc__)
    parser.add_argument("--photos", type=Path, help="folder of photos; default: coco_mini val, or the demo's photos")
    parser.add_argument("--requests", type=int, default=320, help="measured requests of each side (%(default)s)")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 4], help="callers at a time (%(default)s)")
    parser.add_argument("--json", type=Path, default=Path("out/bench/fused.json"))
    arguments = parser.parse_args(argv)
    console = Console()
    photos = [path.read_bytes() for path in photo_paths(arguments.photos)]
    with tempfile.TemporaryDirectory() as folder:
        repository = _repository_with_both(Path(folder))
        with own_server(console, model_repository=repository, model="detect_fused") as server:
            address = server.grpc_url.removeprefix("grpc://")
            with contextlib.closing(InferenceServerClient(address)) as client:
                equal = _count_equal_answers(client, photos)
                results = [measure(client, photos, callers, arguments.requests) for callers in arguments.callers]
    document = {"cores": os.cpu_count(), "photos": len(photos), "equal_answers": equal, "results": results}
    _print(document, console)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    console.print(f"written to {arguments.json}", soft_wrap=True)
    return 0


def measure(client: InferenceServerClient, photos: Sequence[bytes], callers: int, requests: int) -> dict[str, Any]:
    """Time both ensembles in turns, with so many callers at a time; milliseconds, and requests per second."""
    calls = {e: partial(_detect, client, e) for e in ENSEMBLES}
    sides = time_in_turns(calls, photos, callers=callers, requests=requests)
    percentiles = {e: {f"p{q}": side.percentile_ms(q) for q in (50, 99)} for e, side in sides.items()}
    stepwise, fused = ENSEMBLES
    return {
        "callers": callers,
        "requests_per_side": len(sides[fused].milliseconds),
        "latency_ms": percentiles,
        "requests_per_s": {e: side.requests_per_s for e, side in sides.items()},
        "latency_ratio": {q: percentiles[fused][q] / percentiles[stepwise][q] for q in percentiles[fused]},
        "throughput_ratio": sides[fused].requests_per_s / sides[stepwise].requests_per_s,
    }


def _detect(client: InferenceServerClient, ensemble: str, photo: bytes) -> None:
    client.infer(ensemble, [photo_input(photo)])


def _count_equal_answers(client: InferenceServerClient, photos: Sequence[bytes]) -> int:
    """Compare every photo's answers, to the bit.

    Raises:
        AssertionError: two differ.
    """
    for photo in photos:
        answers = [client.infer(ensemble, [photo_input(photo)]) for ensemble in ENSEMBLES]
        for name in OUTPUTS:
            np.testing.assert_array_equal(answers[0].as_numpy(name), answers[1].as_numpy(name), err_msg=name)
    return len(photos)


def _repository_with_both(folder: Path) -> Path:
    """The checkout's models and, beside them, `detect` fused."""
    repository = folder / "repository"
    shutil.copytree(CHECKOUT / "model_repository", repository, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "ensembles", "fuse", "detect", "--into", str(folder / "fused")]
    subprocess.run(command, check=True, cwd=CHECKOUT, stdout=subprocess.DEVNULL)
    for name in ("detect_fused", "detect_fused_graph"):
        shutil.move(folder / "fused" / name, repository / name)
    return repository


def _print(document: dict[str, Any], console: Console) -> None:
    table = Table("callers", "", "p50 ms", "p99 ms", "requests/s", title="one graph against step by step, over gRPC")
    for result in document["results"]:
        for ensemble in ENSEMBLES:
            latency, rate = result["latency_ms"][ensemble], result["requests_per_s"][ensemble]
            table.add_row(
                str(result["callers"]), ensemble, f"{latency['p50']:.1f}", f"{latency['p99']:.1f}", f"{rate:.1f}"
            )
        ratio = result["latency_ratio"]
        table.add_row("", "ratio", f"{ratio['p50']:.2f}", f"{ratio['p99']:.2f}", f"{result['throughput_ratio']:.2f}")
    console.print(table)
    console.print(f"{document['equal_answers']} photos: equal answers to the bit")


if __name__ == "__main__":
    sys.exit(main())
