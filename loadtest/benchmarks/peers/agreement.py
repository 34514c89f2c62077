"""Do two sides say the same of a photo? Eager PyTorch rounds otherwise than ONNX Runtime, so not to the bit."""

from __future__ import annotations

import numpy as np

from loadtest.benchmarks.peers.sides import Answer

SCORE_TOLERANCE = 1e-3
BOX_TOLERANCE_PX = 1.0
SURE_SCORE = 0.06
"""Below, at the graph's threshold of 0.05, either side may drop what the other keeps."""
MAX_ROWS_APART = 2


class DisagreementError(AssertionError):
    """Two sides detect different things: their speeds cannot be compared."""


def check_agreement(ours: Answer, theirs: Answer, *, what: str) -> None:
    """Compare the answers of two sides to one photo.

    Every detection that is surely above the threshold must have its counterpart: same class, score and box within
    tolerance; and the numbers of detections may differ by the few at the threshold.

    Raises:
        DisagreementError: They do not agree; the message says in what.
    """
    if abs(len(ours.scores) - len(theirs.scores)) > MAX_ROWS_APART:
        raise DisagreementError(f"{what}: {len(ours.scores)} detections against {len(theirs.scores)}")
    for first, second in ((ours, theirs), (theirs, ours)):
        for row in np.flatnonzero(first.scores > SURE_SCORE):
            fits = (
                (second.class_ids == first.class_ids[row])
                & (np.abs(second.scores - first.scores[row]) <= SCORE_TOLERANCE)
                & (np.abs(second.boxes - first.boxes[row]).max(axis=1, initial=0.0) <= BOX_TOLERANCE_PX)
            )
            if not fits.any():
                raise DisagreementError(
                    f"{what}: only one side has class {first.class_ids[row]} at score {first.scores[row]:.4f},"
                    f" box {np.round(first.boxes[row], 1).tolist()}"
                )
