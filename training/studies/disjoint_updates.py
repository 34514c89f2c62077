"""How agile is an update? Table 7 of the GenOD paper, on three kinds of fruit.

    python -m training.studies.disjoint_updates                       # about half an hour on one core
    python -m training.studies.disjoint_updates --only disjoint_finetuning   # other rows stay as --json has them

The generic head knows apple, banana and orange from a few COCO photos. 240 further photos are to make it better and
leave the other 77 classes as good as they are: by training everything again (a), by fine-tuning everything (b), or by a
disjoint head on the frozen backbone (c). Time is given as seconds of processor, which other work on the machine hardly
changes, and as seconds of wall clock.
"""

import argparse
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from training.atomic_file import write_atomically
from training.data.coco_photos import CocoPhotos
from training.data.roots import REPOSITORY_ROOT, data_set_folder
from training.detector.detector import Detector
from training.detector.initial_weights import initial_detector
from training.engine.recipe import Recipe
from training.engine.run import train
from training.engine.training_data import class_category_ids, head_labels
from training.evaluation.coco_metrics import CocoMetrics
from training.evaluation.evaluate_modules import evaluate_head

RECIPES = REPOSITORY_ROOT / "recipes" / "disjoint_updates"
ROWS = ("joint_retraining", "joint_finetuning", "disjoint_finetuning")
UPDATED = ("apple", "banana", "orange")


@dataclass(frozen=True, slots=True)
class Seconds:
    """What a training took."""

    processor: float
    wall: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m training.studies.disjoint_updates", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=ROWS, default=ROWS, help="rows to run")
    parser.add_argument("--json", type=Path, default=Path("out/studies/disjoint_updates.json"))
    arguments = parser.parse_args(argv)
    earlier = json.loads(arguments.json.read_text())["rows"] if arguments.json.exists() else {}
    rows = {"baseline": _figures(_baseline(), Recipe.load(RECIPES / "joint_finetuning.yaml"))}
    rows |= {name: earlier[name] for name in ROWS if name in earlier and name not in arguments.only}
    for name in arguments.only:
        recipe = Recipe.load(RECIPES / f"{name}.yaml")
        folder = REPOSITORY_ROOT / "runs" / "studies" / name
        shutil.rmtree(folder, ignore_errors=True)  # a resumed run would tell nothing about time
        if recipe.cached_views:
            shutil.rmtree(REPOSITORY_ROOT / "runs" / "feature_cache", ignore_errors=True)
        detector, seconds = _timed_training(recipe, folder)
        rows[name] = {"processor_s": seconds.processor, "wall_s": seconds.wall, **_figures(detector, recipe)}
    rows = {name: rows[name] for name in ("baseline", *ROWS) if name in rows}
    document = {"cores": os.cpu_count(), "photos": _photo_counts(), "rows": rows}
    _print(rows, Console())
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(arguments.json, (json.dumps(document, indent=2) + "\n").encode())
    print(f"written to {arguments.json}")
    return 0


def _timed_training(recipe: Recipe, folder: Path) -> tuple[Detector, Seconds]:
    """Train; computing and keeping features is part of it, measuring AP at the end too, for every row alike."""
    started, used = time.monotonic(), _processor_s()
    detector = train(recipe, folder)
    return detector, Seconds(_processor_s() - used, time.monotonic() - started)


def _processor_s() -> float:
    """Seconds of processor of this process and of the loaders that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _baseline() -> Detector:
    """The served detector."""
    recipe = Recipe.load(RECIPES / "joint_finetuning.yaml")
    labels = CocoPhotos(data_set_folder("coco_mini"), "val").category_names
    taxonomy_ids = partial(class_category_ids, recipe, "coco_mini", labels)
    detector, _ = initial_detector(recipe, num_classes=len(labels), taxonomy_ids=taxonomy_ids)
    return detector.eval()


def _figures(detector: Detector, recipe: Recipe) -> dict[str, Any]:
    """AP of the updated classes on both val sets, and of all other classes where the detector has them."""
    labels = head_labels(recipe, CocoPhotos(data_set_folder(recipe.data_set), "val"))
    on_fruit = _metrics(detector, labels, "fruit")
    on_coco = _metrics(detector, labels, "coco_mini")
    others = {label: ap for label, ap in on_coco.AP_per_class.items() if label not in UPDATED}
    return {
        "AP_updated_on_fruit": on_fruit.AP,
        "AP50_updated_on_fruit": on_fruit.AP50,
        "AP_updated_on_coco_mini": _mean([on_coco.AP_per_class[label] for label in UPDATED]),
        # A disjoint head has no other classes: theirs are answered by graphs that did not change by one bit.
        "AP_others_on_coco_mini": _mean(list(others.values())) if others else None,
        "AP_per_class_of_others": others,
    }


def _metrics(detector: Detector, labels: Sequence[str], data_set: str) -> CocoMetrics:
    photos = CocoPhotos(data_set_folder(data_set), "val")
    known = [label if label in photos.category_ids else None for label in labels]
    return evaluate_head(detector.backbone, detector.head, known, photos)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _photo_counts() -> dict[str, int]:
    return {name: len(CocoPhotos(data_set_folder(name), "train").photos) for name in ("coco_mini", "fruit")}


def _print(rows: dict[str, dict[str, Any]], console: Console) -> None:
    columns = (
        "processor s",
        "wall s",
        "AP fruit val",
        "AP same on coco_mini val",
        "AP others",
        "largest loss of another",
    )
    table = Table("", *columns, title="Table 7 on apple, banana and orange")
    before = rows["baseline"]
    for name, row in rows.items():
        others = row["AP_per_class_of_others"]
        loss = max((before["AP_per_class_of_others"][label] - ap for label, ap in others.items()), default=0.0)
        table.add_row(
            name,
            *(f"{row[key]:.0f}" if key in row else "" for key in ("processor_s", "wall_s")),
            f"{row['AP_updated_on_fruit']:.3f}",
            f"{row['AP_updated_on_coco_mini']:.3f}",
            "unchanged" if row["AP_others_on_coco_mini"] is None else f"{row['AP_others_on_coco_mini']:.3f}",
            "none, to the bit" if not others else f"{loss:.3f}",
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
