"""How well a gallery was ranked for each query: precision at 1, recall at K, average precision.

Hashes of 256 bits are often equally far away, and then no order among them is right. So every figure is the mean over
all orders of what is equally far, as McSherry and Najork (ECIR 2008) compute it: no luck, and no order of files, helps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.embedder.evaluation.errors import EvaluationError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

RECALL_AT = (1, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryScores:
    """Figures of Q queries; NaN for one that has no right answer in its gallery, which nobody could find."""

    precision_at_1: Floats
    """[Q]: is the nearest item right?"""
    recall_at: Mapping[int, Floats]
    """By K, [Q]: is a right item among the K nearest? As papers on metric learning have it."""
    average_precision: Floats
    """[Q]: the mean, over the right items, of the precision down to each."""

    @property
    def num_answerable(self) -> int:
        """Queries with a right answer."""
        return int(np.isfinite(self.precision_at_1).sum())

    def means(self) -> dict[str, float]:
        """Return the means over the queries that have an answer; NaN where none has: `P@1`, `R@K`, `MAP`."""
        of_recall = {f"R@{k}": values for k, values in self.recall_at.items()}
        columns = {"P@1": self.precision_at_1, **of_recall, "MAP": self.average_precision}
        return {name: _mean_of_finite(values) for name, values in columns.items()}


def score_queries(
    distances: npt.NDArray[np.generic],
    is_right: Bools,
    *,
    is_in_gallery: Bools | None = None,
    recall_at: Sequence[int] = RECALL_AT,
) -> QueryScores:
    """Score the order of the gallery that distances give.

    Args:
        distances: [Q, G] of numbers, small is near.
        is_right: BOOL [Q, G]: the item answers the query.
        is_in_gallery: BOOL [Q, G]: False leaves the item out for the query, as the query itself; None is all.
        recall_at: the Ks.

    Raises:
        EvaluationError: shapes differ, a distance is NaN, or a K is below 1.
    """
    shapes = {distances.shape, is_right.shape, distances.shape if is_in_gallery is None else is_in_gallery.shape}
    if len(shapes) != 1 or distances.ndim != 2:
        raise EvaluationError(f"distances, is_right and is_in_gallery must all be [Q, G], got {sorted(shapes)}")
    if np.isnan(distances.astype(np.float64)).any():
        raise EvaluationError("distances must be numbers, got NaN: an embedding is not finite")
    if any(k < 1 for k in recall_at):
        raise EvaluationError(f"recall is asked for at 1 or more items, got {min(recall_at)}")
    rows = []
    for query in range(len(distances)):
        kept = slice(None) if is_in_gallery is None else is_in_gallery[query]
        rows.append(_score_query(distances[query][kept], is_right[query][kept], recall_at))
    table = np.array(rows, np.float64).reshape(len(rows), 2 + len(recall_at))
    return QueryScores(
        precision_at_1=table[:, 0],
        average_precision=table[:, 1],
        recall_at={k: table[:, 2 + column] for column, k in enumerate(recall_at)},
    )


def _score_query(distances: npt.NDArray[np.generic], is_right: Bools, recall_at: Sequence[int]) -> list[float]:
    """Precision at 1, average precision, and recall at each K."""
    if not is_right.any():
        return [np.nan] * (2 + len(recall_at))
    # Items that are equally far are a group; groups come near to far.
    _, group_of_item = np.unique(distances, return_inverse=True)
    sizes = np.bincount(group_of_item)
    rights = np.bincount(group_of_item, weights=is_right).astype(np.int64)
    before, rights_before = np.cumsum(sizes) - sizes, np.cumsum(rights) - rights
    total = 0.0
    for n, r, b, rb in zip(*(values[rights > 0] for values in (sizes, rights, before, rights_before)), strict=True):
        # At place i of the group a right item stands with chance r / n; of the i - 1 before it, (r - 1) / (n - 1) are.
        i = np.arange(1, n + 1)
        others = (i - 1) * ((r - 1) / (n - 1)) if n > 1 else 0.0
        total += float((r / n * (rb + 1 + others) / (b + i)).sum())
    recalls = [_recall(k, sizes, rights, before, rights_before) for k in recall_at]
    return [rights[0] / sizes[0], total / int(is_right.sum()), *recalls]


def _recall(
    k: int,
    sizes: npt.NDArray[np.int64],
    rights: npt.NDArray[np.int64],
    before: npt.NDArray[np.int64],
    rights_before: npt.NDArray[np.int64],
) -> float:
    """The chance that a right item is among the first k."""
    group = int(np.searchsorted(before, k, side="left")) - 1  # that of the k-th item, or the last
    if rights_before[group]:
        return 1.0
    wrong, size = int(sizes[group] - rights[group]), int(sizes[group])
    places = min(k - int(before[group]), size)
    # None of the places that the group gets within the first k is taken by one of its right items.
    taken = np.arange(places)
    return 1.0 - float(np.prod((wrong - taken).clip(0) / (size - taken)))


def _mean_of_finite(values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
