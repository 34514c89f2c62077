"""Train one side of a comparison and detect with it in the val sets."""

import shutil
import time
from pathlib import Path
from typing import Any

import torch

from training.detector.backbone import SharedBackbone
from training.detector.detector import Detector
from training.detector.fcos_head import FCOSHead
from training.detector.head import DetectionHead
from training.detector.served_weights import load_served_backbone
from training.engine.recipe import Recipe
from training.engine.trainer import Trainer
from training.evaluation.evaluate_modules import detect_photos
from training.scorecard.arm import IMAGES_PER_STEP, Arm, arm_of, backbone_graph
from training.scorecard.arm_features import KeptBackbone, cached_features_of
from training.scorecard.arm_photos import merged_of, training_photos_of
from training.scorecard.experiment_sets import open_set
from training.scorecard.slim_retinanet_head import SlimRetinaNetHead
from training.taxonomy import load_taxonomy

TOWER_DEPTH = 1
TOWER_CHANNELS = 64


def recipe_of(arm: Arm) -> Recipe:
    """Return the recipe of an arm; both sides of a comparison share all of it but the field in question."""
    return Recipe(
        head="head_scorecard",
        data_sets={name: {} for name in arm.sets},
        detector=arm.detector,
        backbone="frozen",
        backbone_from="model_repository",
        cached_views=arm.cached_views,
        tower_depth=TOWER_DEPTH,
        tower_channels=TOWER_CHANNELS,
        epochs=arm.epochs,
        images_per_step=IMAGES_PER_STEP,
        # Everything starts from random numbers, and the run is short.
        new_layer_learning_rate=2e-3,
        warmup_steps=30,
        ema_decay=0.98,
        seed=arm.seed,
    )


def head_of(arm: Arm, *, in_channels: int, num_classes: int) -> DetectionHead[Any]:
    """Return an arm's head with random weights; both detectors have towers of the same size."""
    make = SlimRetinaNetHead if arm.detector == "retinanet" else FCOSHead
    return make(
        in_channels=in_channels, num_classes=num_classes, tower_depth=TOWER_DEPTH, tower_channels=TOWER_CHANNELS
    )


def train_arm(work_folder: Path, *, arm: dict[str, Any]) -> dict[str, Any]:
    """Train a head on kept features and detect in the val sets.

    Args:
        work_folder: features, derived sets and checkpoints are kept in it.
        arm: an `Arm` in plain values.

    Returns:
        `detections` of each val set, as COCO results in ids of the taxonomy; `classes` of the head; `boxes_before` and
        `boxes_after` of each class, before and after upsampling; `training_s`.
    """
    of_arm = arm_of(arm)
    taxonomy = load_taxonomy()
    recipe = recipe_of(of_arm)
    merged = merged_of(work_folder, of_arm, taxonomy)
    photos = training_photos_of(merged, of_arm, taxonomy)
    torch.manual_seed(of_arm.seed)
    backbone = SharedBackbone()
    head = head_of(of_arm, in_channels=backbone.out_channels, num_classes=len(merged.category_names))
    load_served_backbone(backbone, backbone_graph())
    run_folder = work_folder / "runs" / f"{time.time_ns()}"
    started = time.monotonic()
    try:
        trained = Trainer(
            recipe=recipe,
            detector=Detector(backbone, head),
            new_layers=(head,),
            photos=photos,
            cached_features=cached_features_of(work_folder, photos, views=of_arm.cached_views),
            run_folder=run_folder,
            teacher=None,
            evaluate=None,
            loader_workers=0,
        ).run()
    finally:
        shutil.rmtree(run_folder, ignore_errors=True)
    training_s = time.monotonic() - started
    kept_backbone = KeptBackbone(work_folder)
    detections = {}
    for name in of_arm.val_sets:
        validation = open_set(work_folder, name, "val", taxonomy)
        labels = [label if label in validation.category_ids else None for label in merged.category_names]
        found = detect_photos(
            lambda pixels: kept_backbone(pixels[0].numpy()),
            trained.head,
            labels,
            validation,
            limit=of_arm.max_val_photos,
        )
        detections[name] = [_rounded(detection) for detection in found]
    return {
        "detections": detections,
        "classes": list(merged.category_names),
        "boxes_before": merged.boxes_before(),
        "boxes_after": merged.boxes_after(),
        "training_s": round(training_s, 2),
    }


def _rounded(detection: dict[str, Any]) -> dict[str, Any]:
    return {**detection, "bbox": [round(edge, 2) for edge in detection["bbox"]], "score": round(detection["score"], 6)}
