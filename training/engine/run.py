"""Build what a recipe names and train it."""

from pathlib import Path

from torch import nn

from training.data.augmentation import CanvasAugmentation
from training.data.coco_photos import CocoPhotos
from training.data.roots import REPOSITORY_ROOT, data_root, data_set_folder
from training.data.training_photos import TrainingPhotos
from training.detector.backbone import STRIDES, SharedBackbone
from training.detector.fcos_head import FCOSHead
from training.detector.nanodet_arrays import NanoDetArrays, load_backbone, load_head
from training.engine.checkpoint import load_checkpoint
from training.engine.recipe import Recipe, RecipeError
from training.engine.trainer import Detector, Teacher, Trainer
from training.evaluation.coco_metrics import CocoMetrics
from training.evaluation.evaluate_modules import evaluate_head


def train(recipe: Recipe, run_folder: Path) -> Detector:
    """Run a recipe; `run_folder` receives last.pt and recipe.yaml, and is resumed from if it holds them."""
    labelled = CocoPhotos(data_set_folder(recipe.data_set), "train")
    negatives = [CocoPhotos(data_set_folder(name), "train") for name in recipe.negatives]
    unlabelled = [CocoPhotos(data_set_folder(name), "train") for name in recipe.unlabelled]
    for photos in negatives:
        if shared := set(photos.category_names) & set(labelled.category_names):
            raise RecipeError(f"negatives {photos.name} has labels of {labelled.name}: {', '.join(sorted(shared))}")
    training_photos = TrainingPhotos(
        labelled.photos * recipe.repeat,
        [p for s in negatives for p in s.photos],
        [p for s in unlabelled for p in s.photos],
        labelled.category_names,
        CanvasAugmentation(shorter_side_range_px=recipe.shorter_side_range_px, vertical_flip=recipe.vertical_flip),
    )
    detector, new_layers = initial_detector(recipe, num_classes=len(labelled.category_names))
    validation = CocoPhotos(data_set_folder(recipe.data_set), "val")

    def metrics(trained: Detector) -> CocoMetrics:
        return evaluate_head(trained.backbone, trained.head, labelled.category_names, validation)

    trainer = Trainer(
        recipe=recipe,
        detector=detector,
        new_layers=new_layers,
        photos=training_photos,
        run_folder=run_folder,
        teacher=_teacher(recipe) if recipe.distillation_weight else None,
        evaluate=metrics,
    )
    return trainer.run()


def initial_detector(recipe: Recipe, *, num_classes: int) -> tuple[Detector, tuple[nn.Module, ...]]:
    """Build the detector and load what the recipe starts from; also return the layers that start from nothing."""
    backbone = SharedBackbone()
    head = FCOSHead(in_channels=SharedBackbone.out_channels, num_classes=num_classes)
    new_layers: list[nn.Module] = [head.centerness]
    if not recipe.keep_teacher_classifier:
        new_layers.append(head.classifiers)
    teacher_folder = data_root() / "teachers" / recipe.backbone_from
    if teacher_folder.is_dir():
        arrays = NanoDetArrays(teacher_folder)
        load_backbone(backbone, arrays)
        load_head(head, arrays, classifier=recipe.keep_teacher_classifier)
    else:
        new_layers = _load_run(REPOSITORY_ROOT / recipe.backbone_from, backbone, head)
    return Detector(backbone, head), tuple(new_layers)


def _load_run(run_folder: Path, backbone: SharedBackbone, head: FCOSHead) -> list[nn.Module]:
    """Take the backbone of an earlier run, and its head's towers, centerness and regressors to start from."""
    path = run_folder / "last.pt"
    if not path.exists():
        raise RecipeError(
            f"backbone_from: {run_folder} is neither a teacher of the data folder nor a run folder with a last.pt; "
            "train the recipe that makes it first"
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
