"""What does one more head cost? 1, 2, 4 and 8 heads on one backbone, served side by side.

    python -m loadtest.benchmarks.many_heads

The first head is the generic one of full size, all others are slim (`training.studies.many_heads`). Each count has its
own server, all run at once, and callers ask them in turns of one run.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tritonclient.grpc import InferenceServerClient

from loadtest.benchmarks.detect_request import photo_input
from loadtest.benchmarks.in_turns import time_in_turns
from loadtest.benchmarks.own_server import CHECKOUT, own_server
from loadtest.benchmarks.photos import photo_paths


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.benchmarks.many_heads", description=__doc__)
    parser.add_argument("--heads", type=int, nargs="+", default=[1, 2, 4, 8], help="counts to compare (%(default)s)")
    parser.add_argument("--photos", type=Path, help="folder of photos; default: coco_mini val, or the demo's photos")
    parser.add_argument("--requests", type=int, default=320, help="measured requests of each count (%(default)s)")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 4], help="callers at a time (%(default)s)")
    parser.add_argument("--json", type=Path, default=Path("out/bench/many_heads.json"))
    arguments = parser.parse_args(argv)
    console = Console()
    photos = [path.read_bytes() for path in photo_paths(arguments.photos)]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        calls: dict[str, Callable[[bytes], object]] = {}
        for heads in sorted(set(arguments.heads)):
            with console.status(f"exporting {heads} heads"):
                repository = _repository(Path(folder) / str(heads), heads)
            server = stack.enter_context(own_server(console, model_repository=repository))
            address = server.grpc_url.removeprefix("grpc://")
            client = stack.enter_context(contextlib.closing(InferenceServerClient(address)))
            calls[str(heads)] = partial(_detect, client)
        results = [_measured(calls, photos, callers, arguments.requests) for callers in arguments.callers]
    document = {"cores": os.cpu_count(), "photos": len(photos), "results": results}
    _print(document, console)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    console.print(f"written to {arguments.json}", soft_wrap=True)
    return 0


def _repository(folder: Path, heads: int) -> Path:
    """Have the models made, and the ensemble rendered over them."""
    repository, pins = folder / "model_repository", folder / "served_models.json"
    for command in (
        ("training.studies.many_heads", "--heads", str(heads), "--into", str(folder)),
        ("ensembles", "render", "--model-repository", str(repository), "--served-models", str(pins)),
    ):
        subprocess.run([sys.executable, "-m", *command], check=True, cwd=CHECKOUT, stdout=subprocess.DEVNULL)
    return repository


def _detect(client: InferenceServerClient, photo: bytes) -> None:
    client.infer("detect", [photo_input(photo)])


def _measured(
    calls: dict[str, Callable[[bytes], object]], photos: Sequence[bytes], callers: int, requests: int
) -> dict[str, Any]:
    """Latency of every count in milliseconds, and by which part each further head raised the median."""
    sides = time_in_turns(calls, photos, callers=callers, requests=requests)
    fewest, *more = sides
    base_ms = sides[fewest].percentile_ms(50)
    return {
        "callers": callers,
        "requests_per_side": len(sides[fewest].milliseconds),
        "latency_ms": {heads: {f"p{q}": side.percentile_ms(q) for q in (50, 99)} for heads, side in sides.items()},
        "requests_per_s": {heads: side.requests_per_s for heads, side in sides.items()},
        "p50_increase_per_extra_head": {
            heads: (sides[heads].percentile_ms(50) / base_ms - 1) / (int(heads) - int(fewest)) for heads in more
        },
    }


def _print(document: dict[str, Any], console: Console) -> None:
    table = Table("callers", "heads", "p50 ms", "p99 ms", "requests/s", "p50 per extra head", title="heads, over gRPC")
    for result in document["results"]:
        for heads, latency in result["latency_ms"].items():
            increase = result["p50_increase_per_extra_head"].get(heads)
            table.add_row(
                str(result["callers"]),
                heads,
                f"{latency['p50']:.1f}",
                f"{latency['p99']:.1f}",
                f"{result['requests_per_s'][heads]:.1f}",
                "" if increase is None else f"{100 * increase:+.1f} %",
            )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
