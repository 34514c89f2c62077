"""What the lower layers of ImageNet's MobileNet make of crops, computed once and kept for all arms and seeds."""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.data.feature_cache import FeatureCache
from training.data.roots import REPOSITORY_ROOT, data_root
from training.embedder.data import LabelledCrop, crop_pixels
from training.embedder.data.crop_augmentation import CropAugmentation
from training.embedder.trunk.build_trunk import build_trunk
from training.embedder.trunk.mobilenet_v1 import ARRAYS, MobileNetV1
from training.scorecard.embedder_crops import Split, crops_of_set
from training.scorecard.reached_code import ReachedCode

FROZEN_BLOCKS = 12
"""Of 13: what lies above them is trained."""
CROP_PX = 160
"""Of the served 224: half the work, features of 5 x 5 cells."""
LIMIT_BYTES = 4 * 2**30
BATCH = 16

Features = npt.NDArray[np.float16]


def compute_crop_features(
    work_folder: Path, *, set_name: str, split: Split, limit: int | None, view: int
) -> dict[str, int]:
    """Compute one view of a split's crops, and keep it.

    Args:
        work_folder: features are kept in it.
        set_name: of `embedder_crops.py`.
        split: train or val.
        limit: only so many crops.
        view: 0 is the crop as it is, others are random views.

    Returns:
        Their number, `crops`.
    """
    return {"crops": len(crop_features(work_folder, set_name, split, limit, view))}


def crop_features(work_folder: Path, set_name: str, split: Split, limit: int | None, view: int) -> Features:
    """Return one view of a split's crops as features FP16 [N, 768, 5, 5], from disk if they are there."""
    crops = crops_of_set(set_name, split, limit).crops
    key = _key(crops, view)
    cache_on_disk = FeatureCache(work_folder / "crop_features", limit_bytes=LIMIT_BYTES)
    kept = cache_on_disk.get(key)
    if kept is None:
        kept = {"features": _compute(crops, view)}
        cache_on_disk.put(key, kept)
    features: Features = kept["features"].astype(np.float16)
    return features


def pretrained_trunk() -> MobileNetV1:
    """Return ImageNet's MobileNet with its norms folded."""
    trunk = build_trunk("mobilenet_v1", "imagenet_arrays", crop_px=CROP_PX)
    assert isinstance(trunk, MobileNetV1)
    return trunk


@torch.inference_mode()
def _compute(crops: Sequence[LabelledCrop], view: int) -> Features:
    trunk = pretrained_trunk().eval()
    parts = []
    for start in range(0, len(crops), BATCH):
        pixels = torch.stack([_view(crop, view) for crop in crops[start : start + BATCH]])
        features = trunk.conv1((pixels - trunk.mean_rgb) / trunk.std_rgb)
        parts.append(trunk.blocks[:FROZEN_BLOCKS](features).half().numpy())
    return np.concatenate(parts)


def _view(crop: LabelledCrop, view: int) -> Tensor:
    """Return pixels FP32 [3, S, S]; a random view is the same one whenever it is asked for."""
    if view == 0:
        return crop_pixels(crop.open(), CROP_PX)
    with torch.random.fork_rng(devices=[]):
        digest = hashlib.sha256(f"{crop.path.name} {crop.box_xyxy_px} {view}".encode())
        torch.manual_seed(int(digest.hexdigest()[:15], 16))
        return CropAugmentation()(crop.open(), CROP_PX).float()


def _key(crops: Sequence[LabelledCrop], view: int) -> str:
    digest = hashlib.sha256(f"{_code_sha256()} {view}\n".encode())
    digest.update((data_root() / "backbone" / ARRAYS).read_bytes())
    for crop in crops:
        digest.update(f"{crop.path} {crop.path.stat().st_size} {crop.box_xyxy_px}\n".encode())
    return digest.hexdigest()


@cache
def _code_sha256() -> str:
    """Of what computes the features: they outlive the jobs that made them."""
    return ReachedCode(REPOSITORY_ROOT).sha256(f"{compute_crop_features.__module__}:compute_crop_features")
