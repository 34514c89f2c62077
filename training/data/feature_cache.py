"""Features of a frozen backbone, computed once for a few random views of each photo and kept on disk.

The backbone is the served graph itself, run by ONNX Runtime, so that a head learns from what it will be fed. A file
holds one view of one photo; its name tells the backbone's hash, the augmentation, the photo and the view, so nothing
stale is ever read, and runs with the same backbone share files.
"""

import contextlib
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from training.data.served_backbone import FEATURE_NAMES, ServedBackbone
from training.data.training_photos import TrainingPhotos

__all__ = ["FEATURE_NAMES", "CachedFeatures", "FeatureCache", "FeatureSample"]


@dataclass(frozen=True, slots=True)
class FeatureSample:
    """One view of one photo as the head sees it."""

    features: tuple[Tensor, ...]
    """P3..P7, FP32 [C, H, W] each"""
    boxes: Tensor
    """FP32 [M, 4] in canvas pixels"""
    class_indices: Tensor
    """INT64 [M], indices into the head's classes"""
    class_is_known: Tensor
    """BOOL [classes]: whether the photo's data set annotates the class"""
    is_labelled: bool = True


class FeatureCache:
    """A folder of a bounded size."""

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        folder.mkdir(parents=True, exist_ok=True)
        self._size_bytes = sum(path.stat().st_size for path in self._files())

    def get(self, key: str) -> dict[str, npt.NDArray[np.generic]] | None:
        """Return the arrays kept under a key, or None; a file that cannot be read counts as none."""
        path = self._path(key)
        try:
            # Opened here, since np.load leaves a file open that it cannot read.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                found = {name: arrays[name] for name in arrays.files}
            os.utime(path)  # used just now: it is not the next to go
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            return None
        return found

    def put(self, key: str, arrays: dict[str, npt.NDArray[np.generic]]) -> None:
        """Keep arrays under a key, written aside and renamed; make room first. A full disk only means no cache."""
        size_bytes = sum(array.nbytes for array in arrays.values()) + 4096
        if self._size_bytes + size_bytes > self._limit_bytes:
            self._make_room(size_bytes)
        if size_bytes > self._limit_bytes:
            return
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            descriptor, aside = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    np.savez(file, allow_pickle=False, **arrays)
                os.replace(aside, path)
                self._size_bytes += path.stat().st_size
            except OSError:
                os.unlink(aside)
                raise

    def _make_room(self, size_bytes: int) -> None:
        """Remove the least recently used files until a tenth of the limit is free as well."""
        wanted = 0.9 * self._limit_bytes - size_bytes
        files = sorted((path.stat().st_mtime_ns, path.stat().st_size, path) for path in self._files())
        self._size_bytes = sum(size for _, size, _ in files)
        for _, size, path in files:
            if self._size_bytes <= wanted:
                return
            path.unlink(missing_ok=True)
            self._size_bytes -= size

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.npz"

    def _files(self) -> Iterator[Path]:
        return self._folder.glob("*/*.npz")


class CachedFeatures(Dataset[FeatureSample]):
    """The photos of a run as features; view `epoch % views` of each."""

    def __init__(
        self, photos: TrainingPhotos, *, backbone_graph: Path, views: int, folder: Path, limit_bytes: int, seed: int
    ) -> None:
        self._photos = photos
        self._backbone = ServedBackbone(backbone_graph)
        self._views = views
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._seed = seed
        self._graph_sha256 = hashlib.sha256(backbone_graph.read_bytes()).hexdigest()
        # Opened in the process that loads: it does not survive a fork.
        self._cache: FeatureCache | None = None
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, index: int) -> FeatureSample:
        if self._cache is None:
            self._cache = FeatureCache(self._folder, limit_bytes=self._limit_bytes)
        view = self.epoch % self._views
        key = self._key(index, view)
        arrays = self._cache.get(key)
        if arrays is None:
            arrays = self._compute(index, view)
            self._cache.put(key, arrays)
        labels = [int(row) for row in arrays["label_rows"]]
        known = [k for k, row in enumerate(labels) if self._photos.class_index(index, row) is not None]
        indices = [self._photos.class_index(index, labels[k]) for k in known]
        return FeatureSample(
            features=tuple(torch.from_numpy(arrays[name].astype(np.float32)) for name in FEATURE_NAMES),
            boxes=torch.from_numpy(np.array(arrays["boxes"], dtype=np.float32)[known].reshape(-1, 4)),
            class_indices=torch.tensor(indices, dtype=torch.int64),
            class_is_known=self._photos.class_is_known(index),
        )

    def _compute(self, index: int, view: int) -> dict[str, npt.NDArray[np.generic]]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(self._key(index, view)[:15], 16))
            pixels, boxes, label_rows = self._photos.augmented(index)
        return {
            **{name: features[0] for name, features in self._backbone(pixels.numpy()[None]).items()},
            "boxes": boxes.numpy(),
            "label_rows": label_rows.numpy(),
        }

    def _key(self, index: int, view: int) -> str:
        parts = (self._graph_sha256, self._photos.view_description(index), str(self._seed), str(view))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
