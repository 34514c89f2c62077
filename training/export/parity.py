"""Does an exported graph say what PyTorch says, on inputs it was not exported with?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from training.detector.backbone import Backbone
from training.detector.served_head import ServedHead
from training.export.detector_graphs import CANDIDATE_NAMES, FEATURE_NAMES

Array = npt.NDArray[Any]

TOLERANCES: Mapping[str, float] = {
    **dict.fromkeys(FEATURE_NAMES, 1e-4),  # of the largest feature, or of 1 where that is less
    "locations": 1e-2,  # canvas pixels
    "distances": 1e-2,  # canvas pixels, up to 896
    "scores": 1e-5,
    "class_ids": 0.0,
}
"""Largest allowed absolute difference, by output."""


class ParityError(RuntimeError):
    """An exported graph differs from the module it came from."""


def check_backbone(backbone: Backbone, path: Path, canvases: Sequence[npt.NDArray[np.uint8]]) -> dict[str, float]:
    """Compare on canvases UINT8 [N, H, W, 3]; return the largest difference of each output, or raise ParityError."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    largest = dict.fromkeys(FEATURE_NAMES, 0.0)
    for canvas in canvases:
        with torch.no_grad():
            expected = backbone(torch.from_numpy(canvas))
        received = session.run(list(FEATURE_NAMES), {"pixels": canvas})
        for name, ours, theirs in zip(FEATURE_NAMES, expected, received, strict=True):
            _note_difference(path, name, ours.numpy(), theirs, largest)
    return largest


def check_head(
    backbone: Callable[[torch.Tensor], tuple[torch.Tensor, ...]],
    served_head: ServedHead,
    path: Path,
    canvases: Sequence[npt.NDArray[np.uint8]],
) -> dict[str, float]:
    """Compare a head on the features of canvases UINT8 [N, H, W, 3].

    Candidates are compared class by class: where two scores agree to rounding, either order is
    right, and so is either of two that tie for the last row.

    Returns:
        The largest difference of each output.

    Raises:
        ParityError: a difference is larger than `TOLERANCES` allows; the message names graph and output.
    """
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    largest = dict.fromkeys(CANDIDATE_NAMES, 0.0)
    for canvas in canvases:
        with torch.no_grad():
            features = backbone(torch.from_numpy(canvas))
            expected = served_head(*features)
        feeds = {name: feature.numpy() for name, feature in zip(FEATURE_NAMES, features, strict=True)}
        received = session.run(list(CANDIDATE_NAMES), feeds)
        _note_difference(path, "scores", expected.scores.numpy(), received[2], largest)
        for image in range(len(canvas)):
            ours = _by_class([field[image].numpy() for field in expected])
            theirs = _by_class([field[image] for field in received])
            last_score = float(expected.scores[image, -1])
            for class_id in ours.keys() | theirs.keys():
                pair = ours.get(class_id, _NOTHING), theirs.get(class_id, _NOTHING)
                _compare_class(path, class_id, *pair, last_score, largest)
    return largest


@dataclass(frozen=True, slots=True)
class _OfClass:
    """One side's candidates of one class."""

    scores: Array
    """[K]"""
    boxes: Array
    """[K, 6]: location, then distances."""


_NOTHING = _OfClass(np.zeros(0), np.zeros((0, 6)))


def _by_class(fields: list[Array]) -> dict[int, _OfClass]:
    locations, distances, scores, class_ids = fields
    boxes = np.concatenate([locations, distances], axis=1).astype(np.float64)
    return {int(i): _OfClass(scores[class_ids == i], boxes[class_ids == i]) for i in np.unique(class_ids)}


def _compare_class(
    path: Path, class_id: int, ours: _OfClass, theirs: _OfClass, last_score: float, largest: dict[str, float]
) -> None:
    """Give each candidate of one side the nearest free one of the other; who finds none must tie for the last row.

    Nearest, not equal: RetinaNet's locations are centres of boxes, and differ by rounding.
    """
    allowed = np.array([TOLERANCES["locations"]] * 2 + [TOLERANCES["distances"]] * 4)
    is_free = np.ones(len(theirs.scores), dtype=bool)
    for score, box in zip(ours.scores, ours.boxes, strict=True):
        # How much of what is allowed a candidate is away.
        excess = np.where(is_free, (np.abs(theirs.boxes - box) / allowed).max(axis=1), np.inf)
        nearest = int(excess.argmin()) if is_free.any() else -1
        if nearest < 0 or excess[nearest] > 1:
            _allow_tie_for_last(path, class_id, box, float(score), last_score)
            continue
        is_free[nearest] = False
        _note_difference(path, "locations", box[:2], theirs.boxes[nearest, :2], largest)
        _note_difference(path, "distances", box[2:], theirs.boxes[nearest, 2:], largest)
    for k in np.flatnonzero(is_free):
        _allow_tie_for_last(path, class_id, theirs.boxes[k], float(theirs.scores[k]), last_score)


def _allow_tie_for_last(path: Path, class_id: int, box: Array, score: float, last_score: float) -> None:
    if score > last_score + TOLERANCES["scores"]:
        x, y, *distances = (round(float(value), 2) for value in box)
        raise ParityError(
            f"{path}: only one side has the candidate of class id {class_id} at ({x}, {y}), distances {distances}, "
            f"score {score:.6f}"
        )


def _note_difference(path: Path, name: str, expected: Array, received: Array, largest: dict[str, float]) -> None:
    difference = float(np.abs(expected.astype(np.float64) - received.astype(np.float64)).max())
    if name in FEATURE_NAMES:
        difference /= max(1.0, float(np.abs(expected).max()))
    largest[name] = max(largest[name], difference)
    if not difference <= TOLERANCES[name]:
        raise ParityError(
            f"{path}: {name} differs from PyTorch by {difference:.3g}, allowed is {TOLERANCES[name]:.3g}. The "
            "graph is not installed; export again, and if it stays so, look for an operation whose export changed."
        )
