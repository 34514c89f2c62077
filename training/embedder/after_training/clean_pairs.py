"""Which pairs of photo and query do not belong together (GrokNet, section 5.2)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.embedder.after_training.errors import PairsError
from training.embedder.after_training.siamese_scores import siamese_scores, train_siamese
from training.embedder.after_training.svm_scores import MIN_PHOTOS, svm_scores
from training.embedder.after_training.text_features import text_features
from training.embedder.hashing.hamming import Hashes, signs

FOLDS = 5
MIN_SIAMESE = 0.5
"""From here on a pair is rather a clicked one than a random one. The paper has 0.95, of 100 million pairs."""
MIN_SVM = 0.0
"""From here on a photo lies on the query's side. The paper has 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairScores:
    """What both methods say of P pairs."""

    siamese: npt.NDArray[np.float32]
    """[P], 0 to 1"""
    svm: npt.NDArray[np.float64]
    """[P], distance from the margin; NaN where the query has too few photos for a machine of its own."""

    def is_low(self, *, min_siamese: float = MIN_SIAMESE, min_svm: float = MIN_SVM) -> npt.NDArray[np.bool_]:
        """Return BOOL [P]: either method scores it too low; a method that has no score has no say."""
        low: npt.NDArray[np.bool_] = (self.siamese < min_siamese) | (self.svm < min_svm)
        return low


def score_pairs(
    hashes: Hashes,
    queries: Sequence[str],
    pairs: npt.NDArray[np.int64],
    *,
    min_photos: int = MIN_PHOTOS,
    seed: int = 0,
    on_fold: Callable[[int], None] = lambda fold: None,
) -> PairScores:
    """Score every pair by models that have not seen its photo.

    The paper's models score what they were trained on; 100 million pairs cannot be learned by heart, a few thousand
    can. So the photos are divided into five parts, and each part is scored by models of the others.

    Args:
        hashes: UINT8 [I, bytes] of the photos.
        queries: Q texts.
        pairs: INT64 [P, 2]: photo, query; no pair twice.
        min_photos: of a query with a machine of its own, more than this.
        seed: of everything random.
        on_fold: called after each of the five parts.

    Raises:
        PairsError: fewer than five photos, fewer than two queries, or indices that point nowhere.
    """
    _check(hashes, queries, pairs)
    # Queries that differ in case or signs alone are one: neither is a negative of the other's photos.
    text_of_query = [" ".join(re.findall(r"\w+", query.casefold())) for query in queries]
    different, text_index = np.unique(text_of_query, return_inverse=True)
    pairs = np.stack([pairs[:, 0], text_index[pairs[:, 1]]], axis=1)
    if len(different) < 2:
        raise PairsError(f"at least 2 different queries are needed to tell what fits, got {different[0]!r} alone")
    images, texts = signs(hashes), text_features(different.tolist(), seed=seed)
    photos = np.unique(pairs[:, 0])
    fold_of_photo = np.zeros(len(hashes), np.int64)
    fold_of_photo[photos] = np.random.default_rng(seed).permutation(len(photos)) % FOLDS
    fold = fold_of_photo[pairs[:, 0]]
    siamese = np.zeros(len(pairs), np.float32)
    for k in range(FOLDS):
        model = train_siamese(images, texts, pairs[fold != k], known=pairs, seed=seed + k)
        siamese[fold == k] = siamese_scores(model, images, texts, pairs[fold == k])
        on_fold(k + 1)
    machines = svm_scores(images, pairs, num_queries=len(different), min_photos=min_photos, seed=seed)
    return PairScores(siamese=siamese, svm=machines)


def _check(hashes: Hashes, queries: Sequence[str], pairs: npt.NDArray[np.int64]) -> None:
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs):
        raise PairsError(f"pairs must be one or more rows of photo and query, got {pairs.shape}")
    if pairs.min() < 0 or pairs[:, 0].max() >= len(hashes) or pairs[:, 1].max() >= len(queries):
        raise PairsError(f"pairs must point to {len(hashes)} photos and {len(queries)} queries")
    if len(np.unique(pairs, axis=0)) < len(pairs):
        raise PairsError("a pair of photo and query must be there once")
    photos, asked = len(np.unique(pairs[:, 0])), len(np.unique(pairs[:, 1]))
    if photos < FOLDS or asked < 2:
        raise PairsError(
            f"at least {FOLDS} photos and 2 queries are needed to tell what fits, got {photos} photos, {asked} queries"
        )
