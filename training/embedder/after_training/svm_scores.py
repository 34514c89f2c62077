"""How well photos fit one query, by a support vector machine of its own (GrokNet, section 5.2)."""

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.svm import LinearSVC

FOLDS = 5
MIN_PHOTOS = 25
"""A query has a machine of its own from more clicked photos than this."""
NEGATIVES_PER_POSITIVE = 3
SOFTNESS = 0.01
"""C: 256 bits and a few dozen photos can be parted in any way, so mistakes must be cheap."""

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


def svm_scores(
    images: Floats, pairs: Integers, *, num_queries: int, min_photos: int = MIN_PHOTOS, seed: int = 0
) -> npt.NDArray[np.float64]:
    """Return FP64 [P]: the distance from the margin of a machine that has not seen the pair; NaN without a machine.

    Args:
        images: [I, dims], hashes as -1 and +1.
        pairs: INT64 [P, 2]: image, query.
        num_queries: Q.
        min_photos: fewer clicked photos, or as many, give a query no machine.
        seed: of negatives and folds.
    """
    scores = np.full(len(pairs), np.nan)
    random = np.random.default_rng(seed)
    for query in range(num_queries):
        rows = np.flatnonzero(pairs[:, 1] == query)
        clicked, position = np.unique(pairs[rows, 0], return_inverse=True)
        others = np.setdiff1d(pairs[:, 0], clicked)
        if len(clicked) <= min_photos or len(others) < FOLDS:
            continue
        negatives = random.permutation(others)[: NEGATIVES_PER_POSITIVE * len(clicked)]
        features = images[np.concatenate([clicked, negatives])]
        is_clicked = np.arange(len(features)) < len(clicked)
        machine = LinearSVC(C=SOFTNESS, class_weight="balanced", random_state=seed)
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        found = cross_val_predict(machine, features, is_clicked, cv=folds, method="decision_function")
        scores[rows] = found[position]
    return scores
