"""Which images that users saw become positives and negatives of a query."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def click_negatives(to_query: Tensor, to_clicked: Tensor, *, min_distance: float) -> Tensor:
    """Choose the negatives among images that were shown and not clicked (Pailitao, equation 2).

    One as near to the query, or to anything clicked, as the product itself is probably that product: a user clicks
    one or two of many.

    Args:
        to_query: [K], distance of each such image to the query.
        to_clicked: [K, C], to each clicked one.
        min_distance: gamma.

    Returns:
        BOOL [K].
    """
    nearest = torch.cat([to_query[:, None], to_clicked], dim=1).amin(dim=1)
    return nearest >= min_distance


def click_positives(to_query: Tensor, *, max_distance: float) -> Tensor:
    """Choose the positives among the clicked images: those near the query (Pailitao, equation 3).

    Args:
        to_query: [C], distance of each clicked image to the query.
        max_distance: epsilon.

    Returns:
        BOOL [C].
    """
    return to_query <= max_distance


def fused_distances(
    rows: Sequence[Tensor], columns: Sequence[Tensor], *, weights: Sequence[float] | None = None
) -> Tensor:
    """Distances by several kinds of features at once, for the filters above (Pailitao, section 3.2.1).

    The paper fuses local features, those of the model before and ImageNet's, and does not say how; here it is the
    weighted mean of the distances between features of unit length.

    Args:
        rows: per kind of features [K, D of the kind].
        columns: per kind [C, D of the kind].
        weights: per kind; equal where None.

    Returns:
        [K, C], 0..2.

    Raises:
        ValueError: there are not as many kinds on both sides, or none, or no weight is above 0.
    """
    weights = [1.0] * len(rows) if weights is None else list(weights)
    if not rows or not len(rows) == len(columns) == len(weights):
        raise ValueError(
            f"rows, columns and weights must have one entry per kind of features, got {len(rows)}, {len(columns)} and "
            f"{len(weights)}"
        )
    if min(weights) < 0 or sum(weights) <= 0:
        raise ValueError(f"weights must be 0 or more, and one above 0, got {weights}")
    fused = torch.zeros(len(rows[0]), len(columns[0]), dtype=rows[0].dtype, device=rows[0].device)
    for row, column, weight in zip(rows, columns, weights, strict=True):
        distances = torch.cdist(F.normalize(row), F.normalize(column), compute_mode="donot_use_mm_for_euclid_dist")
        fused = fused + weight / sum(weights) * distances
    return fused
