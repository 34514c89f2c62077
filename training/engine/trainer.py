"""The training of a detector."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from training.data.feature_cache import CachedFeatures
from training.data.labelled_photo import LabelledPhoto
from training.data.training_photos import OrientationBatches, TrainingPhotos
from training.detector.detector import Detector
from training.engine.precision import MixedPrecision
from training.engine.processes import Processes, require_equal_statistics
from training.engine.recipe import Recipe
from training.engine.run_facts import DataRow
from training.engine.schedule import optimizer_of
from training.engine.step_losses import StepLosses, Teacher
from training.engine.training_loop import TrainingLoop
from training.evaluation.coco_metrics import CocoMetrics

__all__ = ["Teacher", "Trainer"]


class Trainer(TrainingLoop[Detector]):
    """The loop with a detector in it: batches of one orientation, boxes and a teacher as what is known."""

    def __init__(
        self,
        *,
        recipe: Recipe,
        detector: Detector,
        new_layers: tuple[nn.Module, ...],
        photos: TrainingPhotos,
        cached_features: CachedFeatures | None = None,
        run_folder: Path,
        teacher: Teacher | None,
        evaluate: Callable[[Detector], Mapping[str, CocoMetrics]] | None,
        pictures: Callable[[Detector], Mapping[str, Tensor]] | None = None,
        loader_workers: int | None = None,
        processes: Processes | None = None,
    ) -> None:
        """Prepare a run, or its continuation.

        Args:
            recipe: what to do.
            detector: trained in place.
            new_layers: of the detector, those that start from random numbers.
            photos: to learn from.
            cached_features: of those photos, in their place.
            run_folder: receives checkpoints and logs.
            teacher: what `distillation_weight` pulls towards.
            evaluate: returns the metrics of each data set; None evaluates nothing.
            pictures: returns pictures UINT8 [3, H, W] by name, to keep at every evaluation.
            loader_workers: None is what the recipe says.
            processes: that share the batches; None is this one alone, on the processor.

        Raises:
            DataError: there is no photo.
            ValueError: the run folder is that of another recipe.
            CheckpointError: its checkpoints are damaged.
            ProcessError: the recipe asks for what this machine cannot do.
        """
        processes = processes or Processes(device=torch.device("cpu"))
        precision = MixedPrecision.on(processes.device, recipe.precision)
        _prepare(detector, teacher, recipe, processes)
        is_ancestor = None if photos.is_ancestor is None else photos.is_ancestor.to(processes.device)
        super().__init__(
            recipe=recipe,
            module=detector,
            name="detector",
            optimizer=optimizer_of(recipe, detector, new_layers),
            losses=StepLosses(
                recipe=recipe, detector=detector, teacher=teacher, is_ancestor=is_ancestor, precision=precision
            ),
            precision=precision,
            samples=cached_features or photos,
            batches=OrientationBatches(
                photos, batch_size=recipe.images_per_step, seed=recipe.seed, negatives_share=recipe.negatives_share
            ),
            paths=[photo.path for photo in photos.photos],
            data=lambda: map(_row, photos.photos),
            run_folder=run_folder,
            evaluate=evaluate and (lambda trained: _named(evaluate(trained))),
            pictures=pictures,
            loader_workers=loader_workers,
            processes=processes,
        )


def _row(photo: LabelledPhoto) -> DataRow:
    return DataRow(photo.data_set or photo.path.parent.parent.name, photo.path, (photo.boxes.tolist(), photo.labels))


def _named(metrics: Mapping[str, CocoMetrics]) -> dict[str, dict[str, float]]:
    return {name: {"AP": of_set.AP, "AP50": of_set.AP50} for name, of_set in metrics.items()}


def _prepare(detector: Detector, teacher: Teacher | None, recipe: Recipe, processes: Processes) -> None:
    """Put the detector where it trains, equal in all processes."""
    require_equal_statistics(detector, processes)
    detector.to(processes.device)
    processes.share_weights(detector)
    # Depth-wise convolutions learn in half the time when the channels of a pixel lie side by side.
    detector.to(memory_format=torch.channels_last)
    if recipe.backbone == "frozen":
        detector.backbone.requires_grad_(False)
    if teacher:
        teacher.detector.to(processes.device)
