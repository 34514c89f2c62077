"""Objects in photos that nobody has labelled, matched with known products (GrokNet, section 3.1.4)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.embedder.after_training.errors import AugmentationError

Floats = npt.NDArray[np.float32]

MAX_DISTANCE = 0.2
"""The paper's best threshold; its distances are squared (section 3.3.3), so this is a cosine of 0.9."""
ROWS = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A candidate and the known crop next to it."""

    candidate: int
    known: int
    distance: float
    """Squared Euclidean, of unit vectors: 0 to 4."""


def nearest_known(candidates: Floats, known: Floats) -> list[Match]:
    """Return for each candidate the nearest known crop; of equal ones the first.

    Args:
        candidates: FP32 [C, D], unit length.
        known: FP32 [K, D], unit length.

    Raises:
        AugmentationError: nothing is known.
    """
    if not len(known):
        raise AugmentationError("there is no known product to match with: name a set whose crops have products")
    matches = []
    for start in range(0, len(candidates), ROWS):
        similarities = candidates[start : start + ROWS] @ known.T
        for row, best in enumerate(similarities.argmax(axis=1)):
            distance = float(np.clip(2 - 2 * similarities[row, best], 0, 4))
            matches.append(Match(candidate=start + row, known=int(best), distance=distance))
    return matches


def accepted(matches: Sequence[Match], *, max_distance: float = MAX_DISTANCE) -> list[Match]:
    """Return the matches whose distance is below the threshold, nearest first."""
    if not 0 < max_distance <= 4:
        raise AugmentationError(f"the distance must be above 0 and at most 4, got {max_distance}")
    return sorted((m for m in matches if m.distance < max_distance), key=lambda m: (m.distance, m.candidate))
