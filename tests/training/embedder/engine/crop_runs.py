"""Runs that take a moment: a MobileNet of random numbers on crops of 32 pixels."""

import os
from pathlib import Path
from typing import Any

import torch
import yaml

from tests.training.engine.tiny_run import quiet
from training.embedder.engine.recipe import EmbedderRecipe
from training.embedder.engine.run import embedder_loop
from training.engine.processes import Processes


def recipe_values(folder: Path, **changes: Any) -> dict[str, Any]:
    """Of a recipe over two painted sets: one with pairs of products, one with a head alone."""
    values: dict[str, Any] = {
        "embedder": "painted",
        "data_sets": {
            f"{folder}/products": {
                "quota": 5,
                "split": "all",
                "losses": ["arcface", "normalised_softmax", "pairwise", "contrastive", "triplet"],
                "images_per_product": 2,
            },
            f"{folder}/things": {"quota": 2, "split": "all", "heads": {"colour": "label"}},
        },
        "heads": {"colour": "softmax"},
        "trunk_from": "scratch",
        "crop_px": 64,
        "embedding_dims": 8,
        "normalised_softmax_classes": 3,
        "pairwise_negative_weight": 1.0,
        "steps_per_epoch": 3,
        "epochs": 2,
        "warmup_steps": 2,
        "learning_rate": 0.002,
        "trunk_learning_rate": 0.0002,
        "checkpoint_every_steps": 1,
        "loader_workers": 0,
    }
    return values | changes


def write_recipe(folder: Path, **changes: Any) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe_values(folder, **changes), sort_keys=False))
    return path


def recipe_of(folder: Path, **changes: Any) -> EmbedderRecipe:
    return EmbedderRecipe.parse(yaml.safe_dump(recipe_values(folder, **changes), sort_keys=False), source="test")


def one_process() -> Processes:
    return Processes(device=torch.device("cpu"))


def run_one_of_several(rank: int, count: int, world: Path, folder: Path, changes: dict[str, Any]) -> None:
    """A process of a gloo run, as torchrun would have started it; they meet in a file."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=count)
    processes = Processes(rank=rank, count=count, device=torch.device("cpu"))
    with quiet(folder / f"rank{rank}.log"):
        embedder_loop(recipe_of(world, **changes), folder / "run", processes).run()
    torch.distributed.destroy_process_group()
    os._exit(0)
