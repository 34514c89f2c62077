"""Find a set of crops and read it, whatever its format."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image

from training.data.errors import ReaderError
from training.data.labelled_photo import LabelledPhoto
from training.data.photo_check import PhotoChecks
from training.data.problems import DataProblem
from training.data.readers.coco import find_coco_file
from training.data.readers.openimages import is_openimages
from training.data.readers.voc import is_voc
from training.data.roots import REPOSITORY_ROOT, data_root
from training.embedder.data import labels_json
from training.embedder.data.coco_crops import read_coco_crops
from training.embedder.data.labelled_crop import CropSplit, LabelledCrop
from training.embedder.data.labelled_folders import read_labelled_folders

PARENTS = ("retrieval", "detection")
"""Folders of GENOD_DATA in which sets are looked for by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CropSet:
    """One split of a set: what can be read of it, and what is broken in it."""

    name: str
    split: CropSplit
    crops: Sequence[LabelledCrop]
    problems: Sequence[DataProblem] = field(default=())


def read_crop_set(name: str, split: CropSplit) -> list[LabelledCrop]:
    """Read a split of a set of crops as its annotations have it; no pixel is looked at.

    Args:
        name: of a folder in GENOD_DATA/retrieval or GENOD_DATA/detection, or a path, which is one if it has a slash:
            `./my_logos`. It holds `labels.json`, or annotations of boxes in a format of `training.data.readers`, or
            folders of images named by their labels.
        split: train, val, or all, which is both.

    Raises:
        FileNotFoundError: there is no such folder.
        ReaderError: it is no set of crops, or its split is empty.
    """
    return list(_read(name, split).crops)


def read_whole_crop_set(name: str, split: CropSplit) -> CropSet:
    """Read a split as `read_crop_set` does, without crops of images that cannot be read.

    They, and broken boxes, are in `problems`. Every file is decoded, once for as long as it does not change.
    """
    read = _read(name, split)
    paths = list(dict.fromkeys(crop.path for crop in read.crops))
    folder = crop_set_folder(name)
    path_sha256 = hashlib.sha256(str(folder).encode()).hexdigest()
    checks = PhotoChecks(REPOSITORY_ROOT / "runs" / "photo_checks" / f"{folder.name}-crops-{path_sha256[:8]}.json")
    size_of_path = {crop.path: crop.photo_size_px for crop in read.crops}
    found = checks.check([_as_photo(path, size_of_path[path]) for path in paths])
    broken = {path: problem for path, problem in zip(paths, found, strict=True) if problem is not None}
    return CropSet(
        name=read.name,
        split=split,
        crops=[crop for crop in read.crops if crop.path not in broken],
        problems=[*read.problems, *broken.values()],
    )


def crop_set_folder(name: str) -> Path:
    """Return the folder of a set of crops.

    Raises:
        FileNotFoundError: there is none; the message lists those that there are.
    """
    if "/" in name:
        if not Path(name).is_dir():
            raise FileNotFoundError(f"no folder {name}: a set of crops is labels.json, annotations, or <label>/<image>")
        return Path(name).resolve()
    root = data_root()
    candidates = [root / parent / name for parent in PARENTS]
    for folder in candidates:
        if folder.is_dir():
            return folder
    known = sorted({p.name for parent in PARENTS if (root / parent).is_dir() for p in (root / parent).iterdir()})
    raise FileNotFoundError(f"no set {name!r} in {' or '.join(str(c.parent) for c in candidates)}: {', '.join(known)}")


def _read(name: str, split: CropSplit) -> CropSet:
    folder = crop_set_folder(name)
    problems: list[DataProblem] = []
    if (folder / labels_json.FILE).is_file():
        crops = labels_json.read_labels_json(folder, split)
    elif _has_annotations(folder):
        crops, problems = read_coco_crops(folder, split)
    else:
        crops = read_labelled_folders(folder, split)
    if not crops:
        raise ReaderError(f"{folder} has no crop in its split {split!r}; ask for another of train, val, all")
    return CropSet(name=folder.name, split=split, crops=crops, problems=problems)


def _has_annotations(folder: Path) -> bool:
    return (
        bool(find_coco_file(folder, "train") or find_coco_file(folder, "val"))
        or is_voc(folder)
        or is_openimages(folder)
    )


def _as_photo(path: Path, size_px: tuple[int, int] | None) -> LabelledPhoto:
    """What `PhotoChecks` asks about; of a whole image its own size is right, whatever it is."""
    if size_px is None:
        try:
            with Image.open(path) as image:
                size_px = image.size
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            size_px = (0, 0)  # the check says why
    return LabelledPhoto(path, 0, *size_px, boxes=torch.zeros(0, 4), labels=())
