"""From scores to probabilities by isotonic regression (GrokNet, section 4.0.2).

`calibration.json` in a run's folder:

    {"version": 1, "embedder_sha256": "...", "heads": {"coarse": {"scores": [0.02, ...], "probabilities": [0.0, ...]}}}

For each head the knots of a piecewise linear function, two lists of one length, 2 or more, `scores` strictly
ascending, `probabilities` never falling, all from 0 to 1. Below the first and beyond the last score the value stays
that of the knot (`numpy.interp(score, scores, probabilities)`). A head that is missing keeps its scores: there was
nothing to learn from.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression

from training.atomic_file import write_atomically
from training.embedder.after_training.errors import CalibrationError

Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CALIBRATION_FILE = "calibration.json"
VERSION = 1
DECIMALS = 6
"""Scores that agree so far are one knot: the slopes between stay finite in FP32."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Knots of one head."""

    scores: tuple[float, ...]
    """Strictly ascending, at least 2."""
    probabilities: tuple[float, ...]
    """Never falling, 0 to 1."""

    def __post_init__(self) -> None:
        x, y = np.asarray(self.scores), np.asarray(self.probabilities)
        if x.ndim != 1 or x.shape != y.shape or len(x) < 2:
            raise CalibrationError(f"knots must be two lists of one length, 2 or more, got {x.shape} and {y.shape}")
        is_inside = np.isfinite(x).all() and (x >= 0).all() and (x <= 1).all() and (y >= 0).all() and (y <= 1).all()
        if not (is_inside and (np.diff(x) > 0).all() and (np.diff(y) >= 0).all()):
            raise CalibrationError("knots must lie from 0 to 1, their scores ascend and their probabilities never fall")

    def apply(self, scores: npt.ArrayLike) -> Doubles:
        """Return the probabilities of scores [...]."""
        return np.interp(np.asarray(scores, np.float64), self.scores, self.probabilities)


def fit_calibration(scores: npt.ArrayLike, is_right: npt.ArrayLike) -> Calibration:
    """Learn a head's calibration.

    Args:
        scores: [M], 0 to 1, of predictions on data that the head has not seen.
        is_right: BOOL [M], which of them are right.

    Raises:
        CalibrationError: there are none, they are all right or all wrong, or all scores are the same.
    """
    scores, right = checked_predictions(scores, is_right)
    scores = scores.round(DECIMALS)
    if right.all() or not right.any():
        kind = "right" if right.all() else "wrong"
        raise CalibrationError(f"every one of {len(right)} predictions is {kind}: add held-out crops that are not")
    if scores.min() == scores.max():
        raise CalibrationError(f"all {len(scores)} scores are {scores[0]:g}: nothing tells right from wrong")
    regression = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(scores, right.astype(np.float64))
    # Rounding in the library may leave 1 + 1e-16 or a fall of as much.
    probabilities = np.maximum.accumulate(regression.y_thresholds_.clip(0, 1))
    return Calibration(scores=tuple(regression.X_thresholds_.tolist()), probabilities=tuple(probabilities.tolist()))


def checked_predictions(scores: npt.ArrayLike, is_right: npt.ArrayLike) -> tuple[Doubles, Bools]:
    """Return both as arrays [M], M >= 1.

    Raises:
        CalibrationError: they are empty, of different length, or no scores from 0 to 1.
    """
    scores = np.asarray(scores, np.float64)
    right = np.asarray(is_right, np.bool_)
    if scores.ndim != 1 or scores.shape != right.shape:
        raise CalibrationError(f"scores and is_right must be of one length, got {scores.shape} and {right.shape}")
    if not len(scores):
        raise CalibrationError("there is no prediction to learn from: name held-out sets that have this head's labels")
    if not (np.isfinite(scores).all() and scores.min() >= 0 and scores.max() <= 1 + 1e-6):
        raise CalibrationError(f"scores must lie from 0 to 1, got {scores.min()} to {scores.max()}")
    return scores.clip(0, 1), right


def save_calibrations(run_folder: Path, calibrations: Mapping[str, Calibration], *, embedder_sha256: str) -> Path:
    """Write `calibration.json` into a run's folder, in one step."""
    content = {
        "version": VERSION,
        "embedder_sha256": embedder_sha256,
        "heads": {
            head: {"scores": list(knots.scores), "probabilities": list(knots.probabilities)}
            for head, knots in calibrations.items()
        },
    }
    path = run_folder / CALIBRATION_FILE
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())
    return path


def load_calibrations(run_folder: Path, *, embedder_sha256: str | None = None) -> dict[str, Calibration]:
    """Return the calibration of each head that has one; none where the run was not calibrated.

    Args:
        run_folder: of the embedder.
        embedder_sha256: `weights_sha256` of the embedder that it is used with, to be compared; None compares nothing.

    Raises:
        CalibrationError: the file is damaged, or was made for other weights.
    """
    path = run_folder / CALIBRATION_FILE
    if not path.exists():
        return {}
    redo = f"run python -m training calibrate {run_folder}"
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        if content["version"] != VERSION:
            raise CalibrationError(f"version must be {VERSION}, got {content['version']!r}")
        calibrations = {
            head: Calibration(scores=tuple(knots["scores"]), probabilities=tuple(knots["probabilities"]))
            for head, knots in content["heads"].items()
        }
        made_for = content["embedder_sha256"]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CalibrationError(f"{path} holds no calibration ({error}): {redo}") from error
    if embedder_sha256 is not None and made_for != embedder_sha256:
        raise CalibrationError(f"{path} was made before the embedder was trained further: {redo}")
    return calibrations
