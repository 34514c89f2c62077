"""Queries as vectors: words and pieces of words, weighted by rarity.

The paper has 100 floats of word2vec, learned from product titles. Words that nobody has seen have no such vector, and a
model of words is a download; words and their pieces, weighted by TF-IDF and reduced to 100 floats, are made from the
queries at hand. So "sofas" lies near "sofa", but nothing says that a couch is one, except the photos.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import normalize

from training.embedder.after_training.errors import PairsError

DIMS = 100


def text_features(queries: Sequence[str], *, dims: int = DIMS, seed: int = 0) -> npt.NDArray[np.float32]:
    """Return FP32 [Q, at most dims], unit length; equal queries, but for case, have equal vectors.

    Args:
        queries: one or more, none of them blank.
        dims: to keep.
        seed: of the reduction.

    Raises:
        PairsError: there is none, or one has no letter or digit.
    """
    for query in queries:
        if not any(character.isalnum() for character in query):
            raise PairsError(f"a query must have a letter or a digit, got {query!r}: remove it from the file")
    if not queries:
        raise PairsError("there is no query: the file of pairs must have a row or more")
    words = TfidfVectorizer(token_pattern=r"(?u)\w+", sublinear_tf=True)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    matrix = FeatureUnion([("words", words), ("pieces", pieces)]).fit_transform(queries)
    if min(matrix.shape) <= dims:
        # Few queries: their exact coordinates among themselves, which keep every angle.
        left, sizes, _ = np.linalg.svd(matrix.toarray(), full_matrices=False)
        vectors = left * sizes
    else:
        vectors = TruncatedSVD(n_components=dims, random_state=seed).fit_transform(matrix)
    return np.asarray(normalize(vectors), np.float32)
