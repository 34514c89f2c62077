"""What a head predicts of held-out crops, as it is served, and whether it is right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.embedder.after_training.calibration import Bools, Doubles

BEST_LABELS = 5
"""How many labels of a head are served; calibrated is what is served."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadPredictions:
    """M predictions: the best labels of each crop whose label is known."""

    scores: Doubles
    """[M]"""
    is_right: Bools
    """[M]"""
    crop: npt.NDArray[np.int64]
    """[M]: which crop each is of."""
    is_best: Bools
    """[M]: it is the crop's first."""


def head_predictions(
    probabilities: npt.NDArray[np.floating[Any]],
    labels_per_crop: Sequence[Sequence[str]],
    head_labels: Sequence[str],
    *,
    best: int = BEST_LABELS,
) -> HeadPredictions:
    """Collect a head's predictions.

    Args:
        probabilities: [N, k]
        labels_per_crop: [N]: labels of the head that hold; crops without any are left out, as nobody has said.
        head_labels: k names.
        best: labels of each crop that count, or all k if they are fewer.
    """
    index = {label: k for k, label in enumerate(head_labels)}
    known = np.array([row for row, labels in enumerate(labels_per_crop) if labels], np.int64)
    holds = np.zeros((len(known), len(head_labels)), np.bool_)
    for row, crop in enumerate(known):
        holds[row, [index[label] for label in labels_per_crop[crop]]] = True
    order = np.argsort(-probabilities[known], axis=1, kind="stable")[:, :best]
    return HeadPredictions(
        scores=np.take_along_axis(probabilities[known], order, axis=1).astype(np.float64).ravel(),
        is_right=np.take_along_axis(holds, order, axis=1).ravel(),
        crop=np.repeat(known, order.shape[1]),
        is_best=np.tile(np.arange(order.shape[1]) == 0, len(known)),
    )
