"""What do 900 classes cost? Table 5 of the GenOD paper: latency from 80 classes to 900, of FCOS and of RetinaNet.

    python -m training.studies.class_count_latency --json out/studies/class_count_latency.json   # minutes on 2 cores
    python -m training.studies.class_count_latency --quick                                       # less than one

Each detector is exported with random weights for 80, 300 and 900 classes and run by ONNX Runtime on one 416x672 canvas,
backbone and head as Triton runs them, one after the other. All run in turn, so that what else the machine does falls on
each alike; medians are compared. The paper's recipe is also run in eager PyTorch.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from training.atomic_file import write_atomically
from training.data.roots import REPOSITORY_ROOT
from training.detector.build import build_backbone, build_detector, build_head, channels_of
from training.detector.served_head import ServedHead
from training.engine.recipe import Recipe
from training.export.detector_graphs import CANDIDATE_NAMES, FEATURE_NAMES, export_backbone, export_head

CANVAS_PX = (416, 672)
CLASS_COUNTS = (80, 300, 900)
QUICK_CLASS_COUNTS = (80, 900)
ALLOWED_GROWTH = 1.08
"""Of FCOS, from the fewest classes to the most."""

Run = Callable[[], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Contestant:
    """One detector of the table."""

    name: str
    recipe: Recipe
    is_measured_eager: bool = False


def contestants(*, quick: bool) -> tuple[Contestant, ...]:
    """Return the rows of the table: the paper's two, the demo's, and what they were with every location classified."""
    recipes = REPOSITORY_ROOT / "recipes"
    fcos, retinanet = (Recipe.load(recipes / "paper" / f"{name}_resnet50.yaml") for name in ("fcos", "retinanet"))
    small = Recipe.load(recipes / "demo.yaml")
    rows = [
        Contestant(name="FCOS, ResNet-50", recipe=fcos, is_measured_eager=True),
        Contestant(name="RetinaNet, ResNet-50", recipe=retinanet, is_measured_eager=not quick),
        Contestant(name="FCOS, small", recipe=small),
    ]
    if not quick:
        dense = replace(fcos, classified_locations=0)
        rows.append(Contestant(name="FCOS, ResNet-50, every location classified", recipe=dense))
    if not quick and small.classified_locations:
        dense = replace(small, classified_locations=0)
        rows.append(Contestant(name="FCOS, small, every location classified", recipe=dense))
    return tuple(rows)


def measure(rows: Sequence[Contestant], class_counts: Sequence[int], *, rounds: int) -> dict[str, Any]:
    """Return the medians in ms by row, engine and number of classes, and the growth over the classes."""
    pixels = np.random.default_rng(0).integers(0, 256, (1, *CANVAS_PX, 3), dtype=np.uint8)
    times_s: dict[tuple[str, str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch, torch.inference_mode():
        runs = _runs(rows, class_counts, Path(scratch), pixels)
        for run in runs.values():
            run()  # the first run allocates
        for _ in track(range(rounds), description="run in turn", transient=True):
            for key, run in runs.items():
                started = time.perf_counter()
                run()
                times_s.setdefault(key, []).append(time.perf_counter() - started)
    return {row.name: _figures(row, class_counts, times_s) for row in rows}


def _runs(
    rows: Sequence[Contestant], class_counts: Sequence[int], folder: Path, pixels: Any
) -> dict[tuple[str, str, int], Run]:
    _export_all(rows, class_counts, folder)
    backbones: dict[str, onnxruntime.InferenceSession] = {}
    runs: dict[tuple[str, str, int], Run] = {}
    for row in rows:
        name = row.recipe.architecture
        backbones.setdefault(name, _session(folder / f"{name}.onnx"))
        for count in class_counts:
            head = _session(folder / f"{row.name} {count}.onnx")
            runs[row.name, "onnxruntime", count] = _graphs(backbones[name], head, pixels)
        if row.is_measured_eager:
            runs[row.name, "torch eager", class_counts[-1]] = _eager(row.recipe, class_counts[-1], pixels)
    return runs


def _export_all(rows: Sequence[Contestant], class_counts: Sequence[int], folder: Path) -> None:
    """Write every graph; exporting takes longer than running, and each by itself uses one core."""
    recipes = {row.recipe.architecture: row.recipe for row in rows}
    tasks: list[tuple[Recipe, int | None, Path]] = [
        (recipe, None, folder / f"{name}.onnx") for name, recipe in recipes.items()
    ]
    tasks += [(row.recipe, count, folder / f"{row.name} {count}.onnx") for row in rows for count in class_counts]
    context = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads may hang
    with ProcessPoolExecutor(max_workers=min(4, os.cpu_count() or 1), mp_context=context) as pool:
        for _ in track(pool.map(_export, *zip(*tasks, strict=True)), "export", len(tasks), transient=True):
            pass


def _export(recipe: Recipe, num_classes: int | None, path: Path) -> None:
    """Write the backbone of a recipe, or its head for so many classes."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if num_classes is None:
        export_backbone(build_backbone(recipe).eval(), path, canvas=CANVAS_PX)
        return
    head = build_head(recipe, in_channels=channels_of(recipe), num_classes=num_classes)
    export_head(head.eval(), list(range(1, num_classes + 1)), path, canvas=CANVAS_PX)


def _session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def _graphs(backbone: onnxruntime.InferenceSession, head: onnxruntime.InferenceSession, pixels: Any) -> Run:
    def run() -> object:
        features = backbone.run(list(FEATURE_NAMES), {"pixels": pixels})
        return head.run(list(CANDIDATE_NAMES), dict(zip(FEATURE_NAMES, features, strict=True)))

    return run


def _eager(recipe: Recipe, num_classes: int, pixels: Any) -> Run:
    detector = build_detector(recipe, num_classes=num_classes).eval()
    head = ServedHead(detector.head, list(range(1, num_classes + 1)))
    image = torch.from_numpy(pixels)
    return lambda: head(*detector.backbone(image))


def _figures(
    row: Contestant, class_counts: Sequence[int], times_s: Mapping[tuple[str, str, int], list[float]]
) -> dict[str, Any]:
    median_ms = {
        count: round(1000 * statistics.median(times_s[row.name, "onnxruntime", count]), 2) for count in class_counts
    }
    fewest, most = class_counts[0], class_counts[-1]
    figures: dict[str, Any] = {
        "detector": row.recipe.detector,
        "architecture": row.recipe.architecture,
        "classified_locations": row.recipe.classified_locations,
        "median_ms": {str(count): value for count, value in median_ms.items()},
        "ms_per_round": {
            str(count): [round(1000 * t, 2) for t in times_s[row.name, "onnxruntime", count]] for count in class_counts
        },
        # Of the same round each: what slows the machine down for a while slows both.
        "growth": round(
            statistics.median(
                many / few
                for few, many in zip(
                    times_s[row.name, "onnxruntime", fewest], times_s[row.name, "onnxruntime", most], strict=True
                )
            ),
            4,
        ),
    }
    if eager := times_s.get((row.name, "torch eager", most)):
        figures["eager_median_ms"] = round(1000 * statistics.median(eager), 2)
        figures["eager_over_onnxruntime"] = round(figures["eager_median_ms"] / median_ms[most], 3)
    return figures


def report(figures: dict[str, Any], class_counts: Sequence[int], *, quick: bool) -> dict[str, Any]:
    """Return what goes into the JSON file: the rows, their comparison and the machine."""
    most = str(class_counts[-1])
    fcos, retinanet = figures["FCOS, ResNet-50"], figures["RetinaNet, ResNet-50"]
    return {
        "canvas_px": list(CANVAS_PX),
        "class_counts": list(class_counts),
        "quick": quick,
        "rows": figures,
        "fcos_over_retinanet_at_most_classes": round(retinanet["median_ms"][most] / fcos["median_ms"][most], 3),
        "allowed_fcos_growth": ALLOWED_GROWTH,
        "fcos_growth_is_allowed": {
            name: figures[name]["growth"] <= ALLOWED_GROWTH for name in ("FCOS, ResNet-50", "FCOS, small")
        },
        "machine": {"cores": os.cpu_count(), "onnxruntime": onnxruntime.__version__, "torch": torch.__version__},
    }


def _print(result: dict[str, Any]) -> None:
    counts = [str(count) for count in result["class_counts"]]
    table = Table(title="median latency of backbone and head, ms, one 416x672 canvas, ONNX Runtime on CPU")
    for column in ("detector", *(f"{count} classes" for count in counts), "growth", "torch eager"):
        table.add_column(column, justify="left" if column == "detector" else "right")
    for name, row in result["rows"].items():
        eager = (
            f"{row['eager_median_ms']:.0f} ({row['eager_over_onnxruntime']:.2f}x)" if "eager_median_ms" in row else ""
        )
        cells = [f"{row['median_ms'][count]:.1f}" for count in counts]
        table.add_row(name, *cells, f"{row['growth']:.2f}x", eager)
    Console().print(table)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the JSON; exit status 1 where FCOS's latency grows by more than it may."""
    parser = argparse.ArgumentParser(prog="python -m training.studies.class_count_latency", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="80 and 900 classes, few rounds, the main rows")
    parser.add_argument("--rounds", type=int, help="runs of each; default 15, quick 5")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    arguments = parser.parse_args(argv)
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error(f"--rounds must be 1 or more, got {arguments.rounds}")
    counts = QUICK_CLASS_COUNTS if arguments.quick else CLASS_COUNTS
    rounds = arguments.rounds or (5 if arguments.quick else 15)
    figures = measure(contestants(quick=arguments.quick), counts, rounds=rounds)
    result = report(figures, counts, quick=arguments.quick)
    _print(result)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(arguments.json, (json.dumps(result, indent=2) + "\n").encode())
    return 0 if all(result["fcos_growth_is_allowed"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
