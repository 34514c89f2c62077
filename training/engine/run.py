"""Build what a recipe names and train it."""

from pathlib import Path

import torch

from training.data.feature_cache import CachedFeatures
from training.data.roots import REPOSITORY_ROOT, data_set_folder
from training.data.training_photos import TrainingPhotos
from training.detector.backbone import STRIDES
from training.detector.detector import Detector
from training.detector.initial_weights import initial_detector, is_teacher, teacher_detector
from training.detector.served_weights import newest_graph
from training.engine.processes import Processes, joined_processes
from training.engine.recipe import Recipe, RecipeError
from training.engine.run_problems import report_problems
from training.engine.sample_pictures import sample_pictures
from training.engine.trainer import Teacher, Trainer
from training.engine.training_data import TrainingData, class_category_ids, training_data
from training.evaluation.coco_metrics import CocoMetrics
from training.evaluation.evaluate_modules import evaluate_head
from training.taxonomy.adopt import adopt_categories


def train(recipe: Recipe, run_folder: Path) -> Detector:
    """Run a recipe, in the processes that torchrun started if it did.

    `run_folder` receives checkpoints, logs and the resolved recipe, and is resumed from if it holds them.
    """
    with joined_processes(recipe.device) as processes:
        return _train(recipe, run_folder, processes)


def _train(recipe: Recipe, run_folder: Path, processes: Processes) -> Detector:
    data_set = data_set_folder(recipe.data_set).name if recipe.data_set else ""
    if recipe.categories and processes.is_first and (adopted := adopt_categories(data_set, recipe.categories)):
        print(f"new in the taxonomy, and in mappings/{data_set}.yaml: {', '.join(adopted)}", flush=True)
    processes.wait()  # until the taxonomy is written
    data = training_data(recipe)
    report_problems(run_folder, data.problems)
    torch.manual_seed(recipe.seed)  # for the layers that start from random numbers
    detector, new_layers = initial_detector(
        recipe,
        num_classes=len(data.classes),
        taxonomy_ids=lambda: class_category_ids(recipe, data_set, data.classes),
    )
    trainer = Trainer(
        recipe=recipe,
        detector=detector,
        new_layers=new_layers,
        photos=data.photos,
        cached_features=_cached_features(recipe, data.photos) if recipe.cached_views else None,
        run_folder=run_folder,
        teacher=_teacher(recipe) if recipe.distillation_weight else None,
        evaluate=lambda trained: _metrics_per_set(trained, data),
        pictures=lambda trained: sample_pictures(trained, data.classes, data.validation),
        processes=processes,
    )
    return trainer.run()


def _metrics_per_set(detector: Detector, data: TrainingData) -> dict[str, CocoMetrics]:
    return {
        name: evaluate_head(
            detector.backbone,
            detector.head,
            [label if label in photos.category_ids else None for label in data.classes],
            photos,
        )
        for name, photos in data.validation.items()
    }


def _cached_features(recipe: Recipe, photos: TrainingPhotos) -> CachedFeatures:
    repository = REPOSITORY_ROOT / recipe.backbone_from
    if is_teacher(recipe.backbone_from) or not (repository / "backbone").is_dir():
        raise RecipeError(
            f"cached_views: the features are those of a served backbone, so backbone_from must be a model repository, "
            f"got {recipe.backbone_from}"
        )
    return CachedFeatures(
        photos,
        backbone_graph=newest_graph(repository, "backbone"),
        views=recipe.cached_views,
        folder=REPOSITORY_ROOT / "runs" / "feature_cache",
        limit_bytes=round(recipe.feature_cache_gib * 2**30),
        seed=recipe.seed,
    )


def _teacher(recipe: Recipe) -> Teacher:
    teacher = teacher_detector(recipe.backbone_from).eval().requires_grad_(False)
    return Teacher(teacher, levels=len(STRIDES) - 1)  # P7 is ours
