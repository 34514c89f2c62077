"""A threshold for each search query, without anybody having labelled one (GrokNet, section 4.0.3).

Of M photos it is known which ones people clicked on for which query, not which other queries would have fitted too. So
a query's positives seed a nearest-neighbour search; among its best 2N photos about half are of the query and half are
not; their predicted scores have two modes, which one-dimensional 2-means finds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

from training.embedder.after_training.errors import ThresholdError

Floats = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]

POSITIVES = 200
"""N of the paper."""
MAX_QUERIES = 10
"""How many queries a photo keeps at most."""
MIN_POSITIVES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryThreshold:
    """What was found for one query."""

    query: str
    threshold: float | None
    """A photo keeps the query from this score on; None is never."""
    reason: str
    """Why there is no threshold; empty where there is one."""
    low: float = float("nan")
    """Centre of the lower cluster of scores."""
    high: float = float("nan")
    """Centre of the upper one."""
    rows: tuple[int, ...] = ()
    """The photos whose scores were clustered, nearest first."""


def find_query_thresholds(
    embeddings: Floats,
    scores: Floats,
    is_positive: Bools,
    queries: Sequence[str],
    *,
    positives: int = POSITIVES,
    balance: float = 0.5,
    seed: int = 0,
) -> list[QueryThreshold]:
    """Find each query's threshold.

    Args:
        embeddings: [M, D], unit length.
        scores: [M, Q], 0 to 1: what is predicted for each query.
        is_positive: BOOL [M, Q]: people chose the photo for the query.
        queries: Q names.
        positives: N. The test set is made class-balanced: it consists of N positives of each query, drawn by chance
            where there are more, and the neighbours are looked for in it alone.
        balance: where between the two centres the threshold lies: 0 at the lower one (recall), 1 at the upper one
            (precision).
        seed: of the draw and of the clustering.

    Returns:
        One for each query, in their order.

    Raises:
        ThresholdError: the arrays do not fit together, or no query has a positive.
    """
    _check(embeddings, scores, is_positive, queries, positives, balance)
    random = np.random.default_rng(seed)
    seeds_per_query = []
    for column in is_positive.T:
        rows = np.flatnonzero(column)
        seeds_per_query.append(np.sort(random.permutation(rows)[:positives]))
    balanced = np.unique(np.concatenate(seeds_per_query))
    return [
        _threshold(query, embeddings, scores[:, q], seeds_per_query[q], balanced, positives, balance, seed)
        for q, query in enumerate(queries)
    ]


def kept_queries(
    scores: Floats, thresholds: Sequence[float | None], *, max_queries: int = MAX_QUERIES
) -> list[npt.NDArray[np.int64]]:
    """Return for each of M photos the queries that it keeps, best first.

    Args:
        scores: [M, Q]
        thresholds: Q; None is never.
        max_queries: the best of those that reach their threshold; equal scores in the order of the queries.
    """
    limits = np.array([np.inf if t is None else t for t in thresholds])
    kept = []
    for row in np.atleast_2d(scores):
        candidates = np.flatnonzero(row >= limits)
        kept.append(candidates[np.argsort(-row[candidates], kind="stable")][:max_queries])
    return kept


def _threshold(
    query: str,
    embeddings: Floats,
    scores: Floats,
    seeds: npt.NDArray[np.int64],
    balanced: npt.NDArray[np.int64],
    positives: int,
    balance: float,
    seed: int,
) -> QueryThreshold:
    if len(seeds) < MIN_POSITIVES:
        reason = f"{len(seeds)} positives, {MIN_POSITIVES} are needed"
        return QueryThreshold(query=query, threshold=None, reason=reason)
    similarities = embeddings[balanced] @ embeddings[seeds].T  # [balanced, seeds]
    similarities[balanced[:, None] == seeds[None]] = -np.inf  # a seed is as near as its nearest other seed
    count = min(2 * min(positives, len(seeds)), len(balanced))
    nearest = balanced[np.argsort(-similarities.max(axis=1), kind="stable")[:count]]
    found = scores[nearest].astype(np.float64)
    rows = tuple(nearest.tolist())
    if len(np.unique(found)) < 2:
        reason = f"all {count} scores are {found[0]:g}"
        return QueryThreshold(query=query, threshold=None, reason=reason, rows=rows)
    means = KMeans(n_clusters=2, n_init=10, random_state=seed).fit(found[:, None])
    low, high = sorted(means.cluster_centers_[:, 0].tolist())
    return QueryThreshold(query=query, threshold=low + balance * (high - low), reason="", low=low, high=high, rows=rows)


def _check(
    embeddings: Floats, scores: Floats, is_positive: Bools, queries: Sequence[str], positives: int, balance: float
) -> None:
    if embeddings.ndim != 2 or scores.ndim != 2 or scores.shape != (len(embeddings), len(queries)):
        raise ThresholdError(
            f"embeddings must be [photos, dims] and scores [photos, queries], got {embeddings.shape} and "
            f"{scores.shape} with {len(queries)} queries"
        )
    if is_positive.shape != scores.shape:
        raise ThresholdError(f"is_positive must be {scores.shape} as the scores are, got {is_positive.shape}")
    if not is_positive.any():
        raise ThresholdError("no photo is a positive of any query: name sets in which the queries occur")
    if not (np.isfinite(embeddings).all() and np.isfinite(scores).all()):
        raise ThresholdError("embeddings and scores must be finite")
    if positives < MIN_POSITIVES:
        raise ThresholdError(f"the number of positives must be {MIN_POSITIVES} or more, got {positives}")
    if not 0 <= balance <= 1:
        raise ThresholdError(f"the balance must be from 0 to 1, got {balance}")
