"""The loss of Sablayrolles et al., "Spreading vectors for similarity search" (ICLR 2019), section 3."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

SMALLEST_DISTANCE = 1e-8
"""Two equal vectors would have the logarithm of 0."""


@dataclass(frozen=True, slots=True)
class SpreadingVectorsLoss:
    """The two parts, and the sum that is trained."""

    rank: Tensor
    """[]: how far neighbours have come apart (eq. 1)"""
    koleo: Tensor
    """[]: minus an estimate of the entropy, smaller where vectors are spread more evenly (eq. 2)"""
    total: Tensor
    """[]: rank + lambda * koleo"""


def spreading_vectors_loss(
    anchors: Tensor, positives: Tensor, negatives: Tensor, *, entropy_weight: float, spread: Tensor | None = None
) -> SpreadingVectorsLoss:
    """Return the triplet rank loss and the weighted entropic regulariser.

    Args:
        anchors: [B, D], unit length, B >= 2.
        positives: [B, D], unit length: for each anchor the image of one of its neighbours in the original space.
        negatives: [B, D], unit length: the image of a vector that is near the anchor in the new space only.
        entropy_weight: lambda.
        spread: [B, D]: what is to be spread, where that is not the anchors themselves.
    """
    rank = rank_loss(anchors, positives, negatives)
    koleo = koleo_loss(anchors if spread is None else spread)
    return SpreadingVectorsLoss(rank=rank, koleo=koleo, total=rank + entropy_weight * koleo)


def rank_loss(anchors: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Return [], the mean of max(0, |a - p| - |a - n|) over the B triplets (eq. 1); all arguments are [B, D]."""
    return functional.relu(_distances(anchors, positives) - _distances(anchors, negatives)).mean()


def koleo_loss(vectors: Tensor) -> Tensor:
    """Return [], minus the mean logarithm of each vector's distance to its nearest other (eq. 2).

    Args:
        vectors: [B, D], B >= 2.
    """
    with torch.no_grad():
        distances = torch.cdist(vectors, vectors, compute_mode="donot_use_mm_for_euclid_dist")
        distances.fill_diagonal_(torch.inf)
        nearest = distances.argmin(dim=1)
    return -_distances(vectors, vectors[nearest]).clamp(min=SMALLEST_DISTANCE).log().mean()


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """[B]; `norm` has the gradient 0 where a equals b, a written-out root would have none."""
    distances: Tensor = torch.linalg.vector_norm(a - b, dim=1)
    return distances
