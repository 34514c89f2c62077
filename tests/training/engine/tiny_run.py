"""Runs that take a moment: a detector of a few hundred weights on painted squares."""

import contextlib
import multiprocessing
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.data.augmentation import CanvasAugmentation
from training.data.coco_photos import CocoPhotos
from training.data.training_photos import TrainingPhotos
from training.detector.backbone import Backbone, FeaturePyramid
from training.detector.detector import Detector
from training.detector.fcos_head import FCOSHead
from training.engine.processes import Processes
from training.engine.recipe import Recipe
from training.engine.step_losses import Teacher
from training.engine.trainer import Trainer

RECIPE = Recipe(
    head="head_squares",
    data_set="squares",
    epochs=2,
    images_per_step=2,
    warmup_steps=2,
    checkpoint_every_steps=1,
    shorter_side_range_px=(300, 340),
)


class TinyBackbone(Backbone):
    """One convolution, then ever coarser means of it."""

    def __init__(self) -> None:
        super().__init__(out_channels=8)
        self.conv = nn.Conv2d(3, 8, 8, stride=8)

    def pyramid(self, images: Tensor) -> FeaturePyramid:
        p3 = self.conv(images).relu()
        p4, p5, p6, p7 = (F.avg_pool2d(p3, size, ceil_mode=True) for size in (2, 4, 8, 16))
        return p3, p4, p5, p6, p7


def tiny_detector(seed: int = 0) -> Detector:
    torch.manual_seed(seed)
    return Detector(TinyBackbone(), FCOSHead(in_channels=8, num_classes=1, tower_depth=1, tower_channels=8))


def tiny_photos(data_set: Path, recipe: Recipe = RECIPE, *, unlabelled: int = 0) -> TrainingPhotos:
    """The photos of a folder, of which the last so many count as unlabelled."""
    squares = CocoPhotos(data_set, "train")
    labelled = squares.photos[: len(squares.photos) - unlabelled]
    augmentation = CanvasAugmentation(shorter_side_range_px=recipe.shorter_side_range_px)
    rest = squares.photos[len(labelled) :]
    return TrainingPhotos(labelled, [], rest, squares.category_names, augmentation)


def tiny_trainer(
    run_folder: Path,
    photos: TrainingPhotos,
    recipe: Recipe = RECIPE,
    *,
    evaluate: Callable[[Detector], Any] | None = None,
    pictures: Callable[[Detector], Any] | None = None,
    workers: int = 0,
    processes: Processes | None = None,
):
    detector = tiny_detector()
    teacher = None
    if recipe.distillation_weight:
        teacher = Teacher(tiny_detector(seed=1).eval().requires_grad_(False), levels=4)
    return Trainer(
        recipe=recipe,
        detector=detector,
        new_layers=(detector.head,),
        photos=photos,
        run_folder=run_folder,
        teacher=teacher,
        evaluate=evaluate,
        pictures=pictures,
        loader_workers=workers,
        processes=processes,
    )


def run_one_of_several(rank: int, count: int, data_set: Path, folder: Path, fields: dict[str, Any]) -> None:
    """A process of a gloo run, as torchrun would have started it; they meet in a file."""
    torch.set_num_threads(1)
    recipe = replace(RECIPE, **fields)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=count)
    processes = Processes(rank=rank, count=count, device=torch.device("cpu"))
    photos = tiny_photos(data_set, recipe, unlabelled=3 if recipe.distillation_weight else 0)
    with quiet(folder / f"rank{rank}.log"):
        tiny_trainer(folder / "run", photos, recipe, processes=processes).run()
    torch.distributed.destroy_process_group()


def train_from_command_line(recipe: Path, run_folder: Path, log: Path) -> None:
    """What `python -m training train` does, in a process that has its imports behind it."""
    from training.__main__ import main

    multiprocessing.set_start_method(
        "fork", force=True
    )  # of loaders, as it is for a process that was not forked itself
    torch.set_num_threads(1)
    with quiet(log):
        status = main(["train", str(recipe), "--run-folder", str(run_folder)])
    os._exit(status)


@contextlib.contextmanager
def quiet(log: Path):
    """Send what is printed to a file."""
    with log.open("a") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        yield
        sys.stdout.flush()
