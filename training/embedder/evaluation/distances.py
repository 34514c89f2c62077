"""How far embeddings lie apart; hashes have `training.embedder.hashing.hamming`."""

import numpy as np
import numpy.typing as npt

from training.embedder.evaluation.errors import EvaluationError

Floats = npt.NDArray[np.float64]
Embeddings = npt.NDArray[np.float32]

DECIMALS = 6
"""Distances that differ by less are equal: the rounding of FP32 embeddings is no order."""


def cosine_distances(queries: Embeddings, gallery: Embeddings) -> Floats:
    """Return 1 - cos of every pair: half the squared distance of GrokNet's equation (3.3.3), and so the same order.

    Args:
        queries: FP32 [Q, D], of any length but 0.
        gallery: FP32 [G, D], likewise.

    Returns:
        FP64 [Q, G], 0 to 2, rounded to `DECIMALS`.

    Raises:
        EvaluationError: an embedding is not finite or has no direction, or the two have different dimensions.
    """
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
        raise EvaluationError(
            f"queries [Q, D] and gallery [G, D] must have the same D, got {list(queries.shape)}, {list(gallery.shape)}"
        )
    return (1 - _unit(queries, "queries") @ _unit(gallery, "gallery").T).clip(0, 2).round(DECIMALS)


def _unit(embeddings: Embeddings, name: str) -> Floats:
    values = embeddings.astype(np.float64)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    wrong = ~np.isfinite(lengths[:, 0]) | (lengths[:, 0] == 0)
    if wrong.any():
        raise EvaluationError(
            f"{wrong.sum()} of {len(wrong)} {name} are not finite or all zeros, the first is row {int(wrong.argmax())}:"
            " mend what made them"
        )
    unit: Floats = values / lengths
    return unit
