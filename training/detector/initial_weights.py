"""What a run starts from: a teacher's arrays, served graphs, an earlier run, ImageNet, or random numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.data.roots import REPOSITORY_ROOT, data_root
from training.detector.backbone import SharedBackbone
from training.detector.build import build_detector
from training.detector.detector import Detector
from training.detector.fcos_head import FCOSHead
from training.detector.head import DetectionHead
from training.detector.nanodet_arrays import NanoDetArrays, load_backbone, load_head
from training.detector.served_weights import load_served_backbone, load_served_head, newest_graph
from training.engine.checkpoint import load_checkpoint
from training.engine.recipe import TEACHER_ARCHITECTURE, Recipe, RecipeError

NewLayers = tuple[nn.Module, ...]
"""Layers that start from random numbers."""


def initial_detector(
    recipe: Recipe, *, num_classes: int, taxonomy_ids: Callable[[], list[int]]
) -> tuple[Detector, NewLayers]:
    """Build the detector and load what the recipe starts from; also return the layers that start from nothing.

    Args:
        recipe: names where the weights are.
        num_classes: of the head.
        taxonomy_ids: gives the category of each class; asked only where a served head is to start from.

    Raises:
        RecipeError: there is nothing where `backbone_from` points, or nothing that fits.
    """
    source = recipe.backbone_from
    if source == "imagenet":
        return _from_imagenet(recipe, num_classes)
    detector = build_detector(recipe, num_classes=num_classes)
    if source == "scratch":
        return detector, (detector,)
    if is_teacher(source):
        return detector, _load_teacher(recipe, detector)
    folder = REPOSITORY_ROOT / source
    if (folder / "backbone").is_dir():
        load_served_backbone(detector.backbone, newest_graph(folder, "backbone"))
        if not recipe.head_from:
            return detector, (detector.head,)
        return detector, tuple(load_served_head(detector.head, taxonomy_ids(), folder, recipe.head_from))
    return detector, _load_run(folder, detector)


def is_teacher(name: str) -> bool:
    """Whether the data folder, if there is one, holds a teacher of this name."""
    try:
        return (data_root() / "teachers" / name).is_dir()
    except FileNotFoundError:
        return False


def teacher_detector(name: str) -> Detector:
    """Return a teacher with its 80 classes."""
    arrays = NanoDetArrays(data_root() / "teachers" / name)
    backbone, head = SharedBackbone(), FCOSHead(in_channels=SharedBackbone.out_channels, num_classes=80)
    load_backbone(backbone, arrays)
    load_head(head, arrays, classifier=True)
    return Detector(backbone, head)


def _load_teacher(recipe: Recipe, detector: Detector) -> NewLayers:
    if not isinstance(detector.backbone, SharedBackbone):
        raise RecipeError(
            f"backbone_from: {recipe.backbone_from} is a {TEACHER_ARCHITECTURE}; {recipe.architecture} can start from "
            "imagenet, from scratch, or from the run folder of `python -m training import` or of a recipe"
        )
    arrays = NanoDetArrays(data_root() / "teachers" / recipe.backbone_from)
    load_backbone(detector.backbone, arrays)
    if not isinstance(detector.head, FCOSHead):
        return (detector.head,)
    load_head(detector.head, arrays, classifier=recipe.keep_teacher_classifier)
    if recipe.keep_teacher_classifier:
        return (detector.head.centerness,)
    return detector.head.centerness, *detector.head.class_layers()


def _from_imagenet(recipe: Recipe, num_classes: int) -> tuple[Detector, NewLayers]:
    if recipe.architecture == TEACHER_ARCHITECTURE:
        raise RecipeError(f"backbone_from: {TEACHER_ARCHITECTURE} has no ImageNet weights here; name a teacher")
    try:
        detector = build_detector(recipe, num_classes=num_classes, imagenet=True)
    except OSError as error:  # what urllib raises is one
        raise RecipeError(
            f"backbone_from: imagenet: the weights of {recipe.architecture} cannot be fetched ({error}). Train where "
            "there is a network, or start from a run folder: `python -m training import` makes one from a file"
        ) from error
    return detector, _beside_the_body(detector)


def _beside_the_body(detector: Detector) -> NewLayers:
    """Return all layers but those that ImageNet taught."""
    if hasattr(detector.backbone, "network"):
        network = detector.backbone.network
        assert isinstance(network, nn.Module)
        pyramid = [network.get_submodule("fpn")]
    else:
        pyramid = [child for name, child in detector.backbone.named_children() if name != "vit"]
    return *pyramid, detector.head


def _load_run(run_folder: Path, detector: Detector) -> NewLayers:
    """Take the backbone of an earlier run, and of its head what fits, the layers over the classes apart."""
    path = run_folder / "last.pt"
    if not path.exists():
        raise RecipeError(
            f"backbone_from: {run_folder} is no teacher of the data folder, no model repository with a backbone, and "
            "no run folder with a last.pt; train the recipe that makes it first"
        )
    averaged = load_checkpoint(path)["averaged"]
    backbone_state = _part(averaged, "backbone.")
    ours = detector.backbone.state_dict()
    if {k: v.shape for k, v in backbone_state.items()} != {k: v.shape for k, v in ours.items()}:
        raise RecipeError(f"backbone_from: {run_folder} holds a backbone of another architecture than the recipe names")
    detector.backbone.load_state_dict(backbone_state)
    return _load_fitting(detector.head, _part(averaged, "head."))


def _load_fitting(head: DetectionHead[Any], state: dict[str, Tensor]) -> NewLayers:
    of_classes = {id(p) for layer in head.class_layers() for p in layer.parameters()}
    own = dict(head.named_parameters())
    fitting = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape and id(own[k]) not in of_classes}
    new = [
        (n, m)
        for n, m in head.named_modules()
        if any(f"{n}.{k}" not in fitting for k, _ in m.named_parameters(recurse=False))
    ]
    # Whole or not at all: a trained bias beside random weights is worse than nothing.
    in_part = {f"{n}.{k}" for n, m in new for k, _ in m.named_parameters(recurse=False)}
    with torch.no_grad():
        head.load_state_dict({k: v for k, v in fitting.items() if k not in in_part}, strict=False)
    return tuple(m for _, m in new)


def _part(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
