"""What do hashes cost? `visual_search` against `detect`, and `embed` by its number of boxes, on one server.

    python -m loadtest.benchmarks.visual_search

All are asked in turns of one run. `visual_search` hashes up to 16 objects of a photo: what it takes longer than
`detect`, divided by the photo's objects, is the cost of one. `embed` takes the same photos with 0, 1, 4 and 16 of those
boxes: the least-squares slope over the number of boxes is the cost of a crop alone, the rest that of decoding and of
the finer canvas.
"""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from tritonclient.grpc import InferenceServerClient, InferInput

from loadtest.benchmarks.detect_request import photo_input
from loadtest.benchmarks.in_turns import time_in_turns
from loadtest.benchmarks.own_server import own_server
from loadtest.benchmarks.photos import photo_paths

BOX_COUNTS = (0, 1, 4, 16)
TARGET_MS_PER_OBJECT = 40.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.benchmarks.visual_search", description=__doc__)
    parser.add_argument("--photos", type=Path, help="folder of photos; default: coco_mini val, or the demo's photos")
    parser.add_argument("--requests", type=int, default=120, help="measured requests of each side (%(default)s)")
    parser.add_argument("--json", type=Path, default=Path("out/bench/visual_search.json"))
    arguments = parser.parse_args(argv)
    console = Console()
    photos = [path.read_bytes() for path in photo_paths(arguments.photos)]
    with (
        own_server(console) as server,
        contextlib.closing(InferenceServerClient(server.grpc_url.removeprefix("grpc://"))) as client,
    ):
        document = {"cores": os.cpu_count(), **measure(client, photos, arguments.requests)}
    _print(document, console)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    console.print(f"written to {arguments.json}", soft_wrap=True)
    return 0


def measure(client: InferenceServerClient, photos: Sequence[bytes], requests: int) -> dict[str, Any]:
    """Time every side in turns, one caller; milliseconds."""
    boxes_of_photo: dict[bytes, np.ndarray[Any, Any]] = {}
    object_counts: list[int] = []
    for photo in photos:
        answer = client.infer("visual_search", [photo_input(photo)])
        object_counts.append(int(answer.as_numpy("num_objects")[0, 0]))
        boxes_of_photo[photo] = _repeated(answer.as_numpy("object_boxes"), object_counts[-1])
    calls: dict[str, Callable[[bytes], None]] = {
        "detect": partial(_ask, client, "detect"),
        "visual_search": partial(_ask, client, "visual_search"),
        **{f"embed {count}": partial(_embed, client, boxes_of_photo, count) for count in BOX_COUNTS},
    }
    sides = time_in_turns(calls, photos, callers=1, requests=requests)
    medians = {side: times.percentile_ms(50) for side, times in sides.items()}
    mean_objects = float(np.mean(object_counts))
    slope, offset = np.polyfit(BOX_COUNTS, [medians[f"embed {count}"] for count in BOX_COUNTS], 1)
    return {
        "photos": len(photos),
        "requests_per_side": requests,
        "objects_per_photo": mean_objects,
        "latency_ms": {side: {f"p{q}": t.percentile_ms(q) for q in (50, 99)} for side, t in sides.items()},
        "ratio_to_detect": {side: median / medians["detect"] for side, median in medians.items()},
        "visual_search_ms_per_object": (medians["visual_search"] - medians["detect"]) / max(1.0, mean_objects),
        "embed_ms_per_box": float(slope),
        "embed_ms_without_boxes": float(offset),
    }


def _repeated(boxes: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, Any]:
    """As many boxes as are ever asked for: where there are fewer objects they come again."""
    rows = np.arange(max(BOX_COUNTS)) % max(1, count)
    whole_photo = np.array([[[0, 0, 1e6, 1e6]]], np.float32)
    repeated: np.ndarray[Any, Any] = boxes[:, rows] if count else whole_photo.repeat(max(BOX_COUNTS), axis=1)
    return repeated


def _ask(client: InferenceServerClient, ensemble: str, photo: bytes) -> None:
    client.infer(ensemble, [photo_input(photo)])


def _embed(
    client: InferenceServerClient, boxes_of_photo: Mapping[bytes, np.ndarray[Any, Any]], count: int, photo: bytes
) -> None:
    boxes = np.ascontiguousarray(boxes_of_photo[photo][:, :count])
    tensor = InferInput("boxes", list(boxes.shape), "FP32")
    tensor.set_data_from_numpy(boxes)
    client.infer("embed", [photo_input(photo), tensor])


def _print(document: dict[str, Any], console: Console) -> None:
    table = Table("", "p50 ms", "p99 ms", "of detect", title="what hashes cost, one caller over gRPC")
    for side, latency in document["latency_ms"].items():
        table.add_row(
            side, f"{latency['p50']:.1f}", f"{latency['p99']:.1f}", f"{document['ratio_to_detect'][side]:.2f}"
        )
    console.print(table)
    per_object = document["visual_search_ms_per_object"]
    verdict = "within" if per_object <= TARGET_MS_PER_OBJECT else "ABOVE"
    console.print(
        f"visual_search: {per_object:.1f} ms per object over detect ({document['objects_per_photo']:.1f} objects a "
        f"photo), {verdict} the {TARGET_MS_PER_OBJECT:g} ms that it may take"
    )
    console.print(
        f"embed: {document['embed_ms_per_box']:.1f} ms per box, {document['embed_ms_without_boxes']:.1f} ms without any"
    )


if __name__ == "__main__":
    sys.exit(main())
