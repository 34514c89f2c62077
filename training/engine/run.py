"""Build what a recipe names and train it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from training.data.augmentation import CanvasAugmentation
from training.data.coco_photos import CocoPhotos, LabelledPhoto
from training.data.feature_cache import CachedFeatures
from training.data.roots import REPOSITORY_ROOT, data_root, data_set_folder
from training.data.training_photos import TrainingPhotos
from training.detector.backbone import STRIDES, SharedBackbone
from training.detector.fcos_head import FCOSHead
from training.detector.nanodet_arrays import NanoDetArrays, load_backbone, load_head
from training.detector.served_weights import load_served_backbone, load_served_head, newest_graph
from training.engine.checkpoint import load_checkpoint
from training.engine.recipe import Recipe, RecipeError
from training.engine.trainer import Detector, Teacher, Trainer
from training.evaluation.coco_metrics import CocoMetrics
from training.evaluation.evaluate_modules import evaluate_head
from training.taxonomy import load_mapping_of, load_taxonomy
from training.taxonomy.adopt import adopt_categories


def train(recipe: Recipe, run_folder: Path) -> Detector:
    """Run a recipe; `run_folder` receives last.pt and recipe.yaml, and is resumed from if it holds them."""
    labelled = CocoPhotos(data_set_folder(recipe.data_set), "train")
    adopted = adopt_categories(labelled.name, recipe.categories) if recipe.categories else []
    if adopted:
        print(f"new in the taxonomy, and in mappings/{labelled.name}.yaml: {', '.join(adopted)}", flush=True)
    labels = head_labels(recipe, labelled)
    also_labelled = [CocoPhotos(data_set_folder(name), "train") for name in recipe.also_labelled]
    negatives = [CocoPhotos(data_set_folder(name), "train") for name in recipe.negatives]
    unlabelled = [CocoPhotos(data_set_folder(name), "train") for name in recipe.unlabelled]
    for photos in negatives:
        if shared := set(photos.category_names) & set(labels):
            raise RecipeError(
                f"negatives {photos.name} has labels of {labelled.name}: {', '.join(sorted(shared))}. Name it under "
                "also_labelled if they mean the same."
            )
    training_photos = TrainingPhotos(
        (labelled.photos + [p for s in also_labelled for p in in_words_of(labelled.name, s)]) * recipe.repeat,
        [p for s in negatives for p in s.photos],
        [p for s in unlabelled for p in s.photos],
        labels,
        CanvasAugmentation(shorter_side_range_px=recipe.shorter_side_range_px, vertical_flip=recipe.vertical_flip),
    )
    torch.manual_seed(recipe.seed)  # for the layers that start from random numbers
    detector, new_layers = initial_detector(recipe, labelled.name, labels)
    validation = CocoPhotos(data_set_folder(recipe.data_set), "val")

    def metrics(trained: Detector) -> CocoMetrics:
        return evaluate_head(trained.backbone, trained.head, labels, validation)

    trainer = Trainer(
        recipe=recipe,
        detector=detector,
        new_layers=new_layers,
        photos=training_photos,
        cached_features=_cached_features(recipe, training_photos) if recipe.cached_views else None,
        run_folder=run_folder,
        teacher=_teacher(recipe) if recipe.distillation_weight else None,
        evaluate=metrics,
    )
    return trainer.run()


def head_labels(recipe: Recipe, photos: CocoPhotos) -> tuple[str, ...]:
    """Return the labels of `data_set` that are the head's classes, in their order.

    Raises:
        RecipeError: the recipe names one that the data set does not have.
    """
    if unknown := sorted(set(recipe.labels) - set(photos.category_names)):
        raise RecipeError(
            f"labels: {photos.name} has no {', '.join(unknown)}; it has {', '.join(photos.category_names)}"
        )
    return recipe.labels or photos.category_names


def in_words_of(data_set: str, photos: CocoPhotos) -> list[LabelledPhoto]:
    """Return the photos of another set with its labels exchanged for those by which `data_set` means the same category.

    A label for which it has none gets its set's name in front, so that it is background and never taken for another.
    Where the other set annotates fewer classes, the missing ones are unknown on its photos.
    """
    taxonomy = load_taxonomy()
    own_label_by_id = {i: label for label, i in load_mapping_of(data_set, taxonomy).category_id_by_label.items()}
    theirs = load_mapping_of(photos.name, taxonomy)
    translation = {
        label: own_label_by_id.get(theirs.category_id(label), f"{photos.name}: {label}")
        for label in photos.category_names
    }
    annotated = frozenset(translation.values())
    return [
        replace(photo, labels=tuple(translation[label] for label in photo.labels), annotated_labels=annotated)
        for photo in photos.photos
    ]


def head_of(recipe: Recipe, *, num_classes: int) -> FCOSHead:
    """Build the head that a recipe describes."""
    return FCOSHead(
        in_channels=SharedBackbone.out_channels,
        num_classes=num_classes,
        tower_depth=recipe.tower_depth,
        tower_channels=recipe.tower_channels,
    )


def initial_detector(recipe: Recipe, data_set: str, labels: Sequence[str]) -> tuple[Detector, tuple[nn.Module, ...]]:
    """Build the detector and load what the recipe starts from; also return the layers that start from nothing."""
    backbone = SharedBackbone()
    head = head_of(recipe, num_classes=len(labels))
    if not is_teacher(recipe.backbone_from):
        source = REPOSITORY_ROOT / recipe.backbone_from
        if (source / "backbone").is_dir():
            load_served_backbone(backbone, newest_graph(source, "backbone"))
            if not recipe.head_from:
                return Detector(backbone, head), (head,)
            mapping = load_mapping_of(data_set, load_taxonomy())
            taxonomy_ids = [mapping.category_id(label) for label in labels]
            return Detector(backbone, head), tuple(load_served_head(head, taxonomy_ids, source, recipe.head_from))
        return Detector(backbone, head), tuple(_load_run(source, backbone, head))
    arrays = NanoDetArrays(data_root() / "teachers" / recipe.backbone_from)
    load_backbone(backbone, arrays)
    load_head(head, arrays, classifier=recipe.keep_teacher_classifier)
    new_layers: list[nn.Module] = [head.centerness]
    if not recipe.keep_teacher_classifier:
        new_layers.append(head.classifiers)
    return Detector(backbone, head), tuple(new_layers)


def is_teacher(name: str) -> bool:
    """Whether the data folder, if there is one, holds a teacher of this name."""
    try:
        return (data_root() / "teachers" / name).is_dir()
    except FileNotFoundError:
        return False


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


def _load_run(run_folder: Path, backbone: SharedBackbone, head: FCOSHead) -> list[nn.Module]:
    """Take the backbone of an earlier run, and its head's towers, centerness and regressors to start from."""
    path = run_folder / "last.pt"
    if not path.exists():
        raise RecipeError(
            f"backbone_from: {run_folder} is no teacher of the data folder, no model repository with a backbone, and "
            "no run folder with a last.pt; train the recipe that makes it first"
        )
    averaged = load_checkpoint(path)["averaged"]
    backbone.load_state_dict(_part(averaged, "backbone."))
    head_state = {k: v for k, v in _part(averaged, "head.").items() if not k.startswith("classifiers.")}
    head.load_state_dict(head_state, strict=False)
    return [head.classifiers]


def _part(state: dict[str, object], prefix: str) -> dict[str, object]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _teacher(recipe: Recipe) -> Teacher:
    arrays = NanoDetArrays(data_root() / "teachers" / recipe.backbone_from)
    backbone, head = SharedBackbone(), FCOSHead(in_channels=SharedBackbone.out_channels, num_classes=80)
    load_backbone(backbone, arrays)
    load_head(head, arrays, classifier=True)
    detector = Detector(backbone, head).eval().requires_grad_(False)
    return Teacher(detector, levels=len(STRIDES) - 1)  # P7 is ours
