"""Build what an embedder's recipe names and train it."""

from collections.abc import Iterable
from pathlib import Path

import torch

from training.embedder.data.quota_batches import QuotaBatches
from training.embedder.data.training_crops import TrainingCrops
from training.embedder.embedder import Embedder
from training.embedder.engine.evaluate_sets import evaluate_sets
from training.embedder.engine.learning_embedder import LearningEmbedder
from training.embedder.engine.load_embedder import spec_of
from training.embedder.engine.recipe import EmbedderRecipe
from training.embedder.engine.run_labels import RunLabels
from training.embedder.engine.step_losses import EmbedderStepLosses
from training.embedder.engine.supervision import Supervision
from training.embedder.engine.training_data import TrainingData, read_training_data
from training.engine.precision import MixedPrecision
from training.engine.processes import Processes, joined_processes, require_equal_statistics
from training.engine.run_facts import DataRow
from training.engine.run_problems import report_problems
from training.engine.training_loop import TrainingLoop


def train_embedder(recipe: EmbedderRecipe, run_folder: Path) -> Embedder:
    """Run a recipe, in the processes that torchrun started if it did, and return the averaged embedder.

    `run_folder` receives checkpoints, logs and the resolved recipe, and is resumed from if it holds them.
    """
    with joined_processes(recipe.device) as processes:
        return embedder_loop(recipe, run_folder, processes).run()


def embedder_loop(recipe: EmbedderRecipe, run_folder: Path, processes: Processes) -> TrainingLoop[LearningEmbedder]:
    """Prepare a run, or its continuation.

    Raises:
        RecipeError, DataError, EmbedderError: it cannot be run.
    """
    data = read_training_data(recipe)
    supervision = Supervision(recipe, data)
    labels = RunLabels(
        heads=supervision.head_specs(),
        classes={loss: supervision.embedding[loss].names for loss in supervision.num_centres},
        held_out={name: tuple(products) for name, products in data.held_out.items()},
    )
    labels.require_same(run_folder)
    precision = MixedPrecision.on(processes.device, recipe.precision)
    embedder = _new_embedder(recipe, supervision, processes)
    loop = TrainingLoop(
        recipe=recipe,
        module=embedder,
        name="embedder",
        optimizer=embedder.optimizer(recipe),
        losses=EmbedderStepLosses(
            recipe=recipe, embedder=embedder, supervision=supervision, precision=precision, processes=processes
        ),
        precision=precision,
        samples=TrainingCrops(
            data.crops,
            {
                quota.data_set: recipe.augmentation_of(name)
                for name, quota in zip(recipe.data_sets, data.quotas, strict=True)
            },
            crop_px=recipe.view_px or recipe.crop_px,
        ),
        batches=QuotaBatches(data.quotas, seed=recipe.seed, steps_per_epoch=recipe.steps_per_epoch),
        paths=[crop.path for crop in data.crops],
        data=lambda: _rows(data),
        run_folder=run_folder,
        evaluate=(lambda trained: evaluate_sets(trained, recipe, data.held_out)) if recipe.evaluate_on else None,
        processes=processes,
    )
    if processes.is_first:
        report_problems(run_folder, data.problems)
        labels.write(run_folder)
    return loop


def _new_embedder(recipe: EmbedderRecipe, supervision: Supervision, processes: Processes) -> LearningEmbedder:
    torch.manual_seed(recipe.seed)  # for what starts from random numbers
    embedder = LearningEmbedder(
        embedder=Embedder.build(spec_of(recipe, supervision.head_specs(), trunk_from=recipe.trunk_from)),
        num_centres=supervision.num_centres,
    )
    embedder.freeze_blocks(recipe.frozen_blocks)
    require_equal_statistics(embedder, processes)
    embedder.to(processes.device)
    processes.share_weights(embedder)
    # Depth-wise convolutions learn in half the time when the channels of a pixel lie side by side.
    return embedder.to(memory_format=torch.channels_last)


def _rows(data: TrainingData) -> Iterable[DataRow]:
    for crop in data.crops:
        labels = sorted((kind, tuple(names)) for kind, names in crop.labels.items())
        yield DataRow(crop.data_set, crop.path, (crop.box_xyxy_px, crop.product, labels))
