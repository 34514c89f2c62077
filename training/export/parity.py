"""Does an exported graph say what PyTorch says, on inputs it was not exported with?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from training.detector.backbone import SharedBackbone
from training.detector.candidates import CANDIDATES_PER_IMAGE, ServedHead
from training.export.detector_graphs import CANDIDATE_NAMES, FEATURE_NAMES

Array = npt.NDArray[Any]

TOLERANCES: Mapping[str, float] = {
    **dict.fromkeys(FEATURE_NAMES, 1e-4),  # features are of order 1
    "locations": 0.0,  # canvas pixels
    "distances": 1e-2,  # canvas pixels, up to 896
    "scores": 1e-5,
    "class_ids": 0.0,
}
"""Largest allowed absolute difference, by output."""


class ParityError(RuntimeError):
    """An exported graph differs from the module it came from."""


def check_backbone(backbone: SharedBackbone, path: Path, canvases: Sequence[npt.NDArray[np.uint8]]) -> dict[str, float]:
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
    backbone: SharedBackbone, served_head: ServedHead, path: Path, canvases: Sequence[npt.NDArray[np.uint8]]
) -> dict[str, float]:
    """Compare a head on the features of canvases UINT8 [N, H, W, 3].

    Candidates are compared as (location, class) pairs: where two scores agree to rounding, either order is
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
            ours = _by_location_and_class([field[image].numpy() for field in expected])
            theirs = _by_location_and_class([field[image] for field in received])
            last_score = float(expected.scores[image, -1])
            for key in ours.keys() | theirs.keys():
                _compare_pairs(path, key, ours.get(key, []), theirs.get(key, []), last_score, largest)
    return largest


Pair = tuple[float, Array]
"""Score and distances FP32 [4]."""


def _by_location_and_class(fields: list[Array]) -> dict[tuple[float, float, int], list[Pair]]:
    locations, distances, scores, class_ids = fields
    pairs: dict[tuple[float, float, int], list[Pair]] = {}
    for k in range(CANDIDATES_PER_IMAGE):
        key = (float(locations[k, 0]), float(locations[k, 1]), int(class_ids[k]))
        pairs.setdefault(key, []).append((float(scores[k]), distances[k]))
    return pairs


def _compare_pairs(
    path: Path,
    key: tuple[float, float, int],
    ours: list[Pair],
    theirs: list[Pair],
    last_score: float,
    largest: dict[str, float],
) -> None:
    """Compare what both sides say of one location and class; cells of several levels may share a location."""
    unmatched = list(theirs)
    for score, distances in ours:
        if not unmatched:
            _allow_tie_for_last(path, key, score, last_score)
            continue
        nearest = min(range(len(unmatched)), key=lambda k: float(np.abs(unmatched[k][1] - distances).max()))
        _note_difference(path, "distances", distances, unmatched.pop(nearest)[1], largest)
    for score, _ in unmatched:
        _allow_tie_for_last(path, key, score, last_score)


def _allow_tie_for_last(path: Path, key: tuple[float, float, int], score: float, last_score: float) -> None:
    if score > last_score + TOLERANCES["scores"]:
        raise ParityError(f"{path}: only one side has the candidate (x, y, class id) {key} of score {score:.6f}")


def _note_difference(path: Path, name: str, expected: Array, received: Array, largest: dict[str, float]) -> None:
    difference = float(np.abs(expected.astype(np.float64) - received.astype(np.float64)).max())
    largest[name] = max(largest[name], difference)
    if not difference <= TOLERANCES[name]:
        raise ParityError(
            f"{path}: {name} differs from PyTorch by {difference:.3g}, allowed is {TOLERANCES[name]:.3g}. The "
            "graph is not installed; export again, and if it stays so, look for an operation whose export changed."
        )
