"""The nearest others of each vector, exact, some rows at a time."""

import torch
from torch import Tensor

ROWS = 1024
"""Of the matrix of similarities that are in memory at once."""


def nearest_others(vectors: Tensor, count: int) -> Tensor:
    """Return INT64 [N, count]: for each vector of unit length [N, D] the rows of the nearest others, nearest first.

    Args:
        vectors: of unit length.
        count: fewer than N.
    """
    nearest = []
    for start in range(0, len(vectors), ROWS):
        rows = vectors[start : start + ROWS]
        similarities = rows @ vectors.T
        own = torch.arange(len(rows))
        similarities[own, start + own] = -torch.inf
        nearest.append(similarities.topk(count, dim=1).indices)
    return torch.cat(nearest)
