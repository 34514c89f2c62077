"""Objects that a detector finds in unlabelled photos."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageOps
from torchvision.ops import nms

from training.data.oracle.detections import Oracle
from training.data.problems import DataProblem
from training.embedder.after_training.errors import AugmentationError
from training.embedder.data import LabelledCrop
from training.embedder.data.labelled_folders import SUFFIXES

SAME_OBJECT_IOU = 0.85
"""Boxes that agree so well are one object, whatever the detector calls it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """What was found in photos."""

    crops: Sequence[LabelledCrop]
    """Boxes in pixels of the upright photo; of no product yet."""
    scores: Sequence[float]
    """The detector's."""
    photos: int
    """That were looked at."""
    left_out: int
    """Photos that the embedder knows already, byte for byte."""
    problems: Sequence[DataProblem]
    """Photos that cannot be read."""


def photos_of(places: Sequence[str]) -> list[Path]:
    """Return the photos that files, folders (with what is below them), and lists (.txt, one path a line) name.

    Raises:
        AugmentationError: a place does not exist, or there is no photo at all.
    """
    photos: list[Path] = []
    for place in map(Path, places):
        if place.is_dir():
            photos += sorted(p for p in place.rglob("*") if p.is_file() and p.suffix.lower() in SUFFIXES)
        elif place.suffix.lower() == ".txt" and place.is_file():
            lines = [line.strip() for line in place.read_text(encoding="utf-8").splitlines()]
            photos += [place.parent / line for line in lines if line]
        elif place.is_file():
            photos.append(place)
        else:
            raise AugmentationError(f"no photo, folder or list {place}: name what exists")
    if not photos:
        raise AugmentationError(f"no photo in {', '.join(places)}: photos end in {' '.join(sorted(SUFFIXES))}")
    return list(dict.fromkeys(photos))


def find_candidates(
    photos: Iterable[Path], oracle: Oracle, *, min_px: float, known_files: frozenset[str] = frozenset()
) -> Candidates:
    """Detect in photos.

    Args:
        photos: to look at.
        oracle: already drops what it is not confident of.
        min_px: boxes whose shorter side is below this are left out.
        known_files: `file_sha256` of photos to leave out: those that the embedder was trained or is judged on.
    """
    crops: list[LabelledCrop] = []
    scores: list[float] = []
    problems: list[DataProblem] = []
    looked_at = left_out = 0
    for path in photos:
        try:
            if file_sha256(path) in known_files:
                left_out += 1
                continue
            with Image.open(path) as image:
                photo = ImageOps.exif_transpose(image).convert("RGB")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            missing = isinstance(error, FileNotFoundError)
            problems.append(DataProblem("photo missing" if missing else "photo unreadable", str(path), str(error)))
            continue
        looked_at += 1
        found = oracle.detect(photo)
        for row in nms(torch.from_numpy(found.boxes), torch.from_numpy(found.scores), SAME_OBJECT_IOU).tolist():
            x1, y1, x2, y2 = found.boxes[row].tolist()
            if min(x2 - x1, y2 - y1) < min_px:
                continue
            box = (x1, y1, x2, y2)
            crops.append(LabelledCrop(path=path, box_xyxy_px=box, product=None, data_set="", split="train"))
            scores.append(float(found.scores[row]))
    return Candidates(crops=crops, scores=scores, photos=looked_at, left_out=left_out, problems=problems)


def file_sha256(path: Path) -> str:
    """Return the hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
