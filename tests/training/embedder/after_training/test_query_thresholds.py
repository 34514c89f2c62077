from typing import Any

import numpy as np
import pytest

from training.embedder.after_training.errors import ThresholdError
from training.embedder.after_training.query_thresholds import find_query_thresholds, kept_queries


def planted(seed=0, *, queries=4, photos=30, dims=16):
    """Photos of four queries; a query's scores have one mode for its own photos and a lower one for all others.

    The modes of each query lie elsewhere, so that no threshold for all of them would do.
    """
    random = np.random.default_rng(seed)
    query = np.repeat(np.arange(queries), photos)
    centres = random.standard_normal((queries, dims))
    embeddings = centres[query] + 0.4 * random.standard_normal((len(query), dims))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    high = np.linspace(0.2, 0.9, queries)
    is_own = query[:, None] == np.arange(queries)
    means = np.where(is_own, high, high / 3)
    scores = np.clip(means + 0.02 * random.standard_normal(means.shape), 0, 1)
    return embeddings, scores, is_own


NAMES = ["a", "b", "c", "d"]


def slow_two_means(values):
    """Every split of the sorted values, the one with the least squared distance to its two means."""
    values = sorted(values)
    best: Any = None
    for k in range(1, len(values)):
        left, right = values[:k], values[k:]
        means = sum(left) / len(left), sum(right) / len(right)
        cost = sum((v - means[0]) ** 2 for v in left) + sum((v - means[1]) ** 2 for v in right)
        if best is None or cost < best[0]:
            best = cost, means
    return best[1]


def test_thresholds_separate_planted_modes_though_each_query_has_its_own():
    embeddings, scores, is_own = planted()

    found = find_query_thresholds(embeddings, scores, is_own, NAMES, positives=30)

    thresholds = [f.threshold for f in found]
    assert all(t is not None for t in thresholds)
    kept = scores >= np.array(thresholds)
    print("precision", is_own[kept].mean(), "recall", kept[is_own].mean())
    assert (kept == is_own).all()
    # What one threshold for all queries would do to the same scores:
    assert all(((scores >= t) != is_own).any() for t in np.linspace(0, 1, 101))


def test_the_scores_that_are_clustered_are_those_of_the_2n_nearest_by_a_slow_loop():
    embeddings, scores, is_own = planted(1, photos=12)
    # Half of the clicks are recorded.
    clicked = is_own & (np.random.default_rng(2).random(is_own.shape) < 0.5)

    found = find_query_thresholds(embeddings, scores, clicked, NAMES, positives=200, balance=0.3)

    balanced = [i for i in range(len(embeddings)) if clicked[i].any()]
    for q, threshold in enumerate(found):
        seeds = [i for i in balanced if clicked[i, q]]
        nearness = {i: max(float(embeddings[i] @ embeddings[s]) for s in seeds if s != i) for i in balanced}
        nearest = sorted(balanced, key=lambda i: (-nearness[i], i))[: 2 * len(seeds)]
        low, high = slow_two_means([float(scores[i, q]) for i in nearest])
        assert set(threshold.rows) == set(nearest)
        assert (threshold.low, threshold.high) == pytest.approx((low, high))
        assert threshold.threshold == pytest.approx(low + 0.3 * (high - low))


def test_at_most_n_positives_of_a_query_are_used():
    embeddings, scores, is_own = planted(photos=30)

    found = find_query_thresholds(embeddings, scores, is_own, NAMES, positives=5)

    assert {len(f.rows) for f in found} == {10}


def test_a_query_with_one_positive_or_one_score_gets_no_threshold_and_says_why():
    embeddings, scores, is_own = planted()
    is_own[:, 1] = False
    is_own[40, 1] = True
    is_own[:, 2] = False
    scores[:, 3] = 0.25

    found = find_query_thresholds(embeddings, scores, is_own, NAMES)

    assert [f.threshold is None for f in found] == [False, True, True, True]
    assert found[1].reason == "1 positives, 2 are needed"
    assert found[2].reason == "0 positives, 2 are needed"
    assert "scores are 0.25" in found[3].reason


def test_a_photo_keeps_the_ten_best_queries_that_reach_their_threshold():
    scores = np.tile(np.linspace(0.1, 0.9, 30), (2, 1))
    scores[1] = 0.01
    thresholds: list[float | None] = [0.5] * 30
    thresholds[29] = None

    kept = kept_queries(scores, thresholds)

    assert kept[0].tolist() == list(range(28, 18, -1))
    assert kept[1].tolist() == []
    assert kept_queries(np.array([[0.5, 0.5]]), [0.5, 0.5], max_queries=1)[0].tolist() == [0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"is_positive": np.zeros((120, 4), bool)}, "no photo is a positive"),
        ({"scores": np.zeros((120, 3))}, "scores .photos, queries."),
        ({"is_positive": np.ones((119, 4), bool)}, "is_positive must be"),
        ({"positives": 1}, "2 or more, got 1"),
        ({"balance": 1.5}, "from 0 to 1, got 1.5"),
        ({"embeddings": np.full((120, 16), np.nan)}, "finite"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(change, message):
    embeddings, scores, is_own = planted()
    arguments = {"embeddings": embeddings, "scores": scores, "is_positive": is_own, "queries": NAMES, **change}

    with pytest.raises(ThresholdError, match=message):
        find_query_thresholds(**arguments)
