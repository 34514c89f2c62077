"""The served backbone's features of an arm's photos, computed once and kept on disk for all arms and seeds."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.data.feature_cache import FEATURE_NAMES, CachedFeatures, FeatureCache
from training.data.letterbox import letterbox
from training.data.merged_photos import MergedPhotos
from training.data.served_backbone import ServedBackbone
from training.data.training_photos import TrainingPhotos
from training.scorecard.arm import backbone_graph
from training.scorecard.arm_photos import SUBSET_SEED, augmentation_of, options_of
from training.scorecard.experiment_sets import open_set
from training.scorecard.val_photos import val_truth
from training.taxonomy import load_taxonomy

LIMIT_BYTES = 30 * 2**30
VIEW_SEED = 0
"""Of the random views: all seeds see the same ones, or the backbone would run for each."""


def cached_features_of(work_folder: Path, photos: TrainingPhotos, *, views: int) -> CachedFeatures:
    """Return the photos as features, view `epoch % views` of each."""
    return CachedFeatures(
        photos,
        backbone_graph=backbone_graph(),
        views=views,
        folder=work_folder / "features",
        limit_bytes=LIMIT_BYTES,
        seed=VIEW_SEED,
    )


def compute_features(
    work_folder: Path,
    *,
    set_name: str,
    max_photos: int | None,
    shorter_side_range_px: tuple[int, int],
    view: int,
    views: int,
) -> int:
    """Compute one view of a set's train photos; return their number.

    Args:
        work_folder: features are kept in it.
        set_name: of `experiment_sets.py`.
        max_photos: as the arms' limit.
        shorter_side_range_px: of the random views.
        view: which one.
        views: how many there are.
    """
    taxonomy = load_taxonomy()
    photos = open_set(work_folder, set_name, "train", taxonomy)
    options = options_of(set_name, (set_name,), max_photos)
    merged = MergedPhotos.of([photos], {photos.name: options}, taxonomy, seed=SUBSET_SEED)
    low, high = shorter_side_range_px
    shown = TrainingPhotos(list(merged.photos), [], [], merged.category_names, augmentation_of(set_name, (low, high)))
    features = cached_features_of(work_folder, shown, views=views)
    features.epoch = view
    for index in range(len(features)):
        features[index]
    return len(features)


def compute_val_features(work_folder: Path, *, set_name: str, limit: int | None) -> dict[str, Any]:
    """Compute the features of a val split as they are served; return its ground truth in COCO's format.

    Args:
        work_folder: features are kept in it.
        set_name: of `experiment_sets.py`.
        limit: only so many photos.
    """
    photos = open_set(work_folder, set_name, "val", load_taxonomy())
    backbone = KeptBackbone(work_folder)
    for photo in photos.photos[:limit]:
        canvas, _ = letterbox(photo.open())
        backbone(canvas)
    truth = val_truth(photos, limit)
    of_annotation = ("image_id", "category_id", "bbox", "area", "iscrowd")
    return {
        "images": [{"id": image_id} for image_id in sorted(image["id"] for image in truth["images"])],
        "annotations": [
            {key: annotation[key] for key in of_annotation if key in annotation} for annotation in truth["annotations"]
        ],
        "categories": [{"id": category["id"], "name": category["name"]} for category in truth["categories"]],
    }


class KeptBackbone:
    """The served backbone, which remembers on disk what it has seen."""

    def __init__(self, work_folder: Path) -> None:
        graph = backbone_graph()
        self._backbone = ServedBackbone(graph)
        self._graph_sha256 = hashlib.sha256(graph.read_bytes()).hexdigest()
        self._cache = FeatureCache(work_folder / "val_features", limit_bytes=LIMIT_BYTES)

    def __call__(self, canvas: npt.NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """Map a canvas UINT8 [H, W, 3] to P3..P7, FP32 [1, C, h, w]."""
        key = hashlib.sha256(self._graph_sha256.encode() + str(canvas.shape).encode() + canvas.tobytes()).hexdigest()
        arrays = self._cache.get(key)
        if arrays is None:
            arrays = self._backbone(canvas[None])
            self._cache.put(key, arrays)
        return tuple(torch.from_numpy(arrays[name].astype(np.float32)) for name in FEATURE_NAMES)
