"""What does classifying only the best locations cost in AP? And: make a trained head one that does so.

    python -m training.studies.classified_locations runs/demo --locations 200 --run-folder runs/demo_200

The head of a run learns the one output it lacks, objectness, from its own class scores on its training photos; nothing
else of it moves. The table says AP with every location classified and with fewer. With --run-folder the head is saved
as a run of its own, with `classified_locations` in its recipe, to be exported like any other.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor, nn

from training.atomic_file import write_atomically
from training.detector.build import build_detector
from training.detector.detector import Detector
from training.detector.fcos import FCOS
from training.detector.objectness_loss import objectness_loss
from training.engine.checkpoint import save_checkpoint
from training.engine.recipe import Recipe, RecipeError
from training.engine.training_data import TrainingData, training_data
from training.evaluation.evaluate_modules import evaluate_head
from training.export.export_run import load_run

LEARNING_RATE = 1e-2


def with_objectness(recipe: Recipe, detector: Detector, *, locations: int) -> tuple[Recipe, Detector]:
    """Return a trained detector whose head has an objectness that has learnt nothing yet, and its recipe.

    Raises:
        RecipeError: only FCOS's heads can have one.
    """
    if recipe.detector != "fcos" or not isinstance(detector.head, FCOS):
        raise RecipeError("only detector: fcos can classify fewer locations than all")
    sparse_recipe = replace(recipe, classified_locations=locations)
    sparse = build_detector(sparse_recipe, num_classes=detector.head.num_classes)
    sparse.load_state_dict(detector.state_dict(), strict=False)
    return sparse_recipe, sparse


def learn_objectness(detector: Detector, batches: Iterable[Tensor]) -> list[float]:
    """Let the objectness learn from the class scores, and nothing else move.

    Args:
        detector: with a head that has an objectness.
        batches: pixels UINT8 [N, H, W, 3].

    Returns:
        The loss of each batch.
    """
    detector.eval().requires_grad_(False)
    layers = detector.head.objectness
    assert isinstance(layers, nn.Module)
    parameters = list(layers.requires_grad_().parameters())
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE)
    losses = []
    for pixels in batches:
        with torch.no_grad():
            features = detector.backbone(pixels)
        outputs = detector.head(features)
        loss = objectness_loss(outputs.objectness_logits, outputs.class_logits)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    detector.requires_grad_()
    return losses


def average_precision(detector: Detector, data: TrainingData, locations: int) -> dict[str, dict[str, float]]:
    """Return AP and AP50 of each val set with so many locations of each level classified; 0 is all."""
    assert isinstance(detector.head, FCOS)
    before, detector.head.classified_locations = detector.head.classified_locations, locations or 10**6
    figures = {}
    for name, photos in data.validation.items():
        labels = [label if label in photos.category_ids else None for label in data.classes]
        metrics = evaluate_head(detector.backbone, detector.head, labels, photos)
        figures[name] = {"AP": round(float(metrics.AP), 4), "AP50": round(float(metrics.AP50), 4)}
    detector.head.classified_locations = before
    return figures


def main(argv: Sequence[str] | None = None) -> int:
    """Learn, measure, print the table; save the run and the figures where asked."""
    parser = argparse.ArgumentParser(prog="python -m training.studies.classified_locations", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a trained FCOS, e.g. runs/demo")
    parser.add_argument("--locations", type=int, nargs="+", default=[200], help="of each level; the first is saved")
    parser.add_argument("--steps", type=int, default=600, help="photos to learn from, one a step")
    parser.add_argument("--run-folder", type=Path, metavar="DIR", help="save the head as this run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    arguments = parser.parse_args(argv)
    if min(arguments.locations) < 1 or arguments.steps < 1:
        parser.error("--locations and --steps must be 1 or more")
    if arguments.run_folder and (arguments.run_folder / "last.pt").exists():
        parser.error(f"{arguments.run_folder} holds a run already: delete it, or name another")
    trained_recipe, trained = load_run(arguments.run)
    recipe, detector = with_objectness(trained_recipe, trained, locations=arguments.locations[0])
    data = training_data(recipe)
    losses = learn_objectness(detector, track(_photos(data, arguments.steps), "learn objectness", arguments.steps))
    figures: dict[str, Any] = {"0": average_precision(detector, data, 0)}
    for locations in arguments.locations:
        figures[str(locations)] = average_precision(detector, data, locations)
    _print(figures)
    if arguments.run_folder:
        state = detector.state_dict()
        arguments.run_folder.mkdir(parents=True, exist_ok=True)
        write_atomically(arguments.run_folder / "recipe.yaml", recipe.as_yaml().encode())
        checkpoint = {"epoch": 0, "recipe": recipe.as_yaml(), "detector": state, "averaged": state}
        save_checkpoint(arguments.run_folder / "last.pt", checkpoint)
    if arguments.json:
        result = {"run": str(arguments.run), "steps": arguments.steps, "loss": losses[-1], "by_locations": figures}
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(arguments.json, (json.dumps(result, indent=2) + "\n").encode())
    return 0


def _photos(data: TrainingData, steps: int) -> Iterable[Tensor]:
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        index = int(torch.randint(len(data.photos), (1,), generator=generator))
        yield data.photos[index].pixels.unsqueeze(0)


def _print(figures: dict[str, Any]) -> None:
    table = Table(title="AP (AP50) by locations classified of each level")
    table.add_column("val set")
    for locations in figures:
        table.add_column("all" if locations == "0" else locations, justify="right")
    for name in figures["0"]:
        table.add_row(name, *(f"{row[name]['AP']:.4f} ({row[name]['AP50']:.4f})" for row in figures.values()))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
