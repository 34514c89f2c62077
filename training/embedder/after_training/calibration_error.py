"""How far scores are from probabilities."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.embedder.after_training.calibration import (
    Bools,
    Doubles,
    checked_predictions,
    fit_calibration,
)
from training.embedder.after_training.errors import CalibrationError

BINS = 10
FOLDS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityBin:
    """Predictions whose scores lie in one tenth of 0 to 1."""

    count: int
    mean_score: float
    share_right: float


def reliability_bins(scores: npt.ArrayLike, is_right: npt.ArrayLike, *, bins: int = BINS) -> list[ReliabilityBin]:
    """Return the bins that hold predictions, in ascending order; a score on an edge belongs to the bin above it.

    Args:
        scores: [M], 0 to 1.
        is_right: BOOL [M].
        bins: how many of equal width.
    """
    scores, right = checked_predictions(scores, is_right)
    index = np.minimum((scores * bins).astype(np.int64), bins - 1)
    return [
        ReliabilityBin(
            count=int((index == b).sum()),
            mean_score=float(scores[index == b].mean()),
            share_right=float(right[index == b].mean()),
        )
        for b in np.unique(index)
    ]


def expected_calibration_error(scores: npt.ArrayLike, is_right: npt.ArrayLike, *, bins: int = BINS) -> float:
    """Return the mean over predictions of |share right - mean score| of their bin (Guo et al. 2017, eq. 3)."""
    found = reliability_bins(scores, is_right, bins=bins)
    total = sum(b.count for b in found)
    return sum(b.count * abs(b.share_right - b.mean_score) for b in found) / total


def cross_calibrated(scores: Doubles, is_right: Bools, groups: npt.NDArray[np.int64], *, seed: int = 0) -> Doubles:
    """Return each score's probability by a calibration that was learned from other groups: what new data will see.

    Args:
        scores: [M]
        is_right: BOOL [M]
        groups: INT64 [M]: what belongs together, such as the predictions of one crop.
        seed: of the five folds.

    Raises:
        CalibrationError: there are fewer groups than folds, or a fold leaves nothing to learn from.
    """
    different = np.unique(groups)
    if len(different) < FOLDS:
        raise CalibrationError(f"at least {FOLDS} held-out crops are needed, got {len(different)}: name larger sets")
    fold_of_group = np.random.default_rng(seed).permutation(len(different)) % FOLDS
    fold = fold_of_group[np.searchsorted(different, groups)]
    calibrated = np.empty(len(scores), np.float64)
    for k in range(FOLDS):
        calibrated[fold == k] = fit_calibration(scores[fold != k], is_right[fold != k]).apply(scores[fold == k])
    return calibrated
