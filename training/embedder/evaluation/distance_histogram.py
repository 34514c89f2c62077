"""How far apart are pairs of the same thing, and of different things? GrokNet, figure 9."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.embedder.evaluation.errors import EvaluationError

Floats = npt.NDArray[np.float64]

BINS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class DistanceHistogram:
    """Positive and negative pairs over the same bins."""

    edges: Floats
    """[bins + 1]"""
    positive: Floats
    """[bins]: the share of the positive pairs in each bin; they add up to 1."""
    negative: Floats
    """[bins], of the negative pairs."""
    overlap: float
    """The area that both histograms cover, 0 to 1: the sum of the smaller share of each bin."""
    chance_of_order: float
    """That a positive pair is nearer than a negative one, equal ones half: the area under the ROC curve. Unlike the
    overlap it depends on no bins, so floats and bits can be compared by it."""
    num_positive: int
    num_negative: int

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return {
            "edges": self.edges.round(6).tolist(),
            "positive": self.positive.round(6).tolist(),
            "negative": self.negative.round(6).tolist(),
            "overlap": round(self.overlap, 6),
            "chance_of_order": round(self.chance_of_order, 6),
            "num_positive": self.num_positive,
            "num_negative": self.num_negative,
        }


def distance_histogram(
    distances: npt.NDArray[np.generic],
    is_right: npt.NDArray[np.bool_],
    *,
    largest: float,
    is_in_gallery: npt.NDArray[np.bool_] | None = None,
    bins: int = BINS,
) -> DistanceHistogram | None:
    """Count the pairs of queries and gallery.

    Args:
        distances: [Q, G]
        is_right: BOOL [Q, G]: the pair is a positive one.
        largest: the end of the last bin: 2 for cosine distances, the number of bits for hashes.
        is_in_gallery: BOOL [Q, G]: pairs that count; None is all.
        bins: how many, of equal width.

    Returns:
        The histogram; None where there are no positive or no negative pairs.

    Raises:
        EvaluationError: a distance lies outside of 0 to `largest`.
    """
    kept = np.ones_like(is_right) if is_in_gallery is None else is_in_gallery
    positive = distances[kept & is_right].astype(np.float64)
    negative = distances[kept & ~is_right].astype(np.float64)
    for values in (positive, negative):
        if len(values) and not (values.min() >= 0 and values.max() <= largest):
            raise EvaluationError(f"distances must lie in 0 to {largest:g}, got {values.min():g} to {values.max():g}")
    if not len(positive) or not len(negative):
        return None
    edges = np.linspace(0, largest, bins + 1)
    shares = [np.histogram(values, edges)[0] / len(values) for values in (positive, negative)]
    ascending = np.sort(negative)
    farther = len(ascending) - np.searchsorted(ascending, positive, side="right")
    equal = np.searchsorted(ascending, positive, side="right") - np.searchsorted(ascending, positive, side="left")
    return DistanceHistogram(
        edges=edges,
        positive=shares[0],
        negative=shares[1],
        overlap=float(np.minimum(*shares).sum()),
        chance_of_order=float((farther + equal / 2).mean() / len(negative)),
        num_positive=len(positive),
        num_negative=len(negative),
    )
