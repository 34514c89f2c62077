"""What AP does a slim head lose against the full-size one? Same recipe, same photos, same seeds.

    python -m training.studies.slim_head recipes/fruit.yaml recipes/raccoon.yaml --json docs/benchmarks/slim_head.json

The slim head is the one whose latency `loadtest.benchmarks.many_heads` measures: one block of 64 channels. Each pair is
compared on the same val photos; the interval is that of the mean difference when photos and seeds are drawn again
(`training/scorecard/paired_bootstrap.py`). A recipe's `head_from` gives the full head its trained towers, of which the
slim one, being of another size, can take next to nothing; with --from-random neither gets any.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from training.atomic_file import write_atomically
from training.data.coco_photos import CocoPhotos
from training.data.roots import REPOSITORY_ROOT, data_set_folder
from training.detector.detector import Detector
from training.engine.recipe import Recipe
from training.engine.run import train
from training.engine.training_data import head_labels
from training.evaluation.evaluate_modules import detect_photos
from training.scorecard.paired_bootstrap import WeightsPerSet, paired_difference
from training.scorecard.photo_matches import Floats, PhotoMatches, match_photos
from training.scorecard.val_photos import val_truth
from training.studies.many_heads import SLIM_TOWER_CHANNELS, SLIM_TOWER_DEPTH

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
ALLOWED_LOSS = 0.01
SIDES = ("full", "slim")


def main(argv: Sequence[str] | None = None) -> int:
    """Train, measure, print the table, write the JSON; runs that are there already are not trained again."""
    parser = argparse.ArgumentParser(
        prog="python -m training.studies.slim_head",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recipes", nargs="+", type=Path, metavar="RECIPE", help="of a head of full size")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N", help="default: 0 1 2")
    parser.add_argument("--from-random", action="store_true", help="both heads start from random numbers")
    parser.add_argument("--runs", type=Path, default=REPOSITORY_ROOT / "runs" / "studies" / "slim_head", metavar="DIR")
    parser.add_argument("--json", type=Path, default=Path("out/studies/slim_head.json"), metavar="FILE")
    arguments = parser.parse_args(argv)
    rows: dict[str, Any] = {}
    for path in arguments.recipes:
        recipe = Recipe.load(path)
        if arguments.from_random:
            recipe = replace(recipe, head_from="")
        name = f"{path.stem}, both from random numbers" if arguments.from_random else path.stem
        folder = arguments.runs / ("random" if arguments.from_random else "recipe")
        rows[name] = compare(recipe, arguments.seeds, folder / path.stem)
        # After each: a study of hours that is stopped has said something.
        write(rows, arguments.json)
    show(rows, Console())
    return 0


def compare(recipe: Recipe, seeds: Sequence[int], folder: Path) -> dict[str, Any]:
    """Train both heads with every seed and compare them."""
    photos = CocoPhotos(data_set_folder(recipe.data_set), "val")
    matches: dict[str, list[Mapping[str, PhotoMatches]]] = {side: [] for side in SIDES}
    parameters: dict[str, int] = {}
    for seed in seeds:
        for side in SIDES:
            of_side = recipe_of(recipe, side, seed)
            detector = train(of_side, folder / f"{side}_{seed}").eval()
            parameters[side] = sum(p.numel() for p in detector.head.parameters())
            found = matches_at_all_overlaps(val_truth(photos), detections(detector, of_side, photos))
            matches[side].append({photos.name: found})
    return figures(matches["full"], matches["slim"], seeds) | {
        "val_photos": len(photos.photos),
        "head_parameters": parameters,
    }


def recipe_of(recipe: Recipe, side: str, seed: int) -> Recipe:
    """Return the recipe of one side: the full head's is as it was given."""
    if side == "full":
        return replace(recipe, seed=seed)
    return replace(recipe, seed=seed, tower_depth=SLIM_TOWER_DEPTH, tower_channels=SLIM_TOWER_CHANNELS)


def detections(detector: Detector, recipe: Recipe, photos: CocoPhotos) -> list[dict[str, Any]]:
    """Detect in the val photos."""
    classes = head_labels(recipe, photos)
    labels = [label if label in photos.category_ids else None for label in classes]
    return detect_photos(detector.backbone, detector.head, labels, photos)


def matches_at_all_overlaps(truth: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> PhotoMatches:
    """Match; each class stands once per threshold of IoU, so that the mean over them is AP."""
    at_iou = {f"{iou:.2f}": match_photos(truth, results, iou=float(iou)) for iou in IOU_THRESHOLDS}
    return PhotoMatches(
        len(truth["images"]),
        {f"{name} at {iou}": of_class for iou, found in at_iou.items() for name, of_class in found.classes.items()},
    )


def figures(
    full: Sequence[Mapping[str, PhotoMatches]], slim: Sequence[Mapping[str, PhotoMatches]], seeds: Sequence[int]
) -> dict[str, Any]:
    """Return AP of both sides by seed, and the mean difference, slim minus full, with its 95 % interval."""
    difference = paired_difference(slim, full, _average_precision)
    mean = float(np.mean(difference.differences_per_seed))
    return {
        "seeds": list(seeds),
        "AP_full": [round(ap, 4) for ap in difference.other_per_seed],
        "AP_slim": [round(ap, 4) for ap in difference.better_per_seed],
        "slim_minus_full": round(mean, 4),
        "interval": [round(end, 4) for end in difference.interval],
        "is_within_a_point": mean >= -ALLOWED_LOSS,
    }


def _average_precision(matches: Mapping[str, PhotoMatches], weights: WeightsPerSet) -> Floats:
    (name,) = matches
    return matches[name].AP50(weights[name])


def write(rows: Mapping[str, Any], path: Path) -> None:
    """Write the JSON, keeping rows of other recipes that an earlier study measured."""
    earlier = json.loads(path.read_text())["rows"] if path.exists() else {}
    slim = {"tower_depth": SLIM_TOWER_DEPTH, "tower_channels": SLIM_TOWER_CHANNELS}
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"slim": slim, "allowed_loss": ALLOWED_LOSS, "rows": {**earlier, **rows}}
    write_atomically(path, (json.dumps(document, indent=2) + "\n").encode())


def show(rows: Mapping[str, Any], console: Console) -> None:
    """Print a line per recipe."""
    table = Table("recipe", "seeds", "AP full", "AP slim", "slim minus full", "95 % interval", "parameters")
    for name, row in rows.items():
        table.add_row(
            name,
            ", ".join(map(str, row["seeds"])),
            *(f"{np.mean(row[key]):.3f}" for key in ("AP_full", "AP_slim")),
            f"{row['slim_minus_full']:+.3f}",
            "{:+.3f} to {:+.3f}".format(*row["interval"]),
            f"{row['head_parameters']['slim'] / row['head_parameters']['full']:.2f} times as many",
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
