"""Against loops: all orders of what is equally far are written out, and each is scored as the papers define it."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from training.embedder.evaluation.errors import EvaluationError
from training.embedder.evaluation.query_scores import score_queries


def scores_of_order(is_right: Sequence[bool], ks: Sequence[int]) -> list[float]:
    """Precision at 1, average precision and recall at each K of one order, nearest first."""
    precisions = []
    hits = 0
    for place, right in enumerate(is_right, start=1):
        if right:
            hits += 1
            precisions.append(hits / place)
    return [float(is_right[0]), sum(precisions) / len(precisions), *(float(any(is_right[:k])) for k in ks)]


def loop(distances: Sequence[float], is_right: Sequence[bool], ks: Sequence[int]) -> list[float]:
    """The mean over all orders of what is equally far."""
    groups = [[r for d, r in zip(distances, is_right, strict=True) if d == v] for v in sorted(set(distances))]
    orders = itertools.product(*(itertools.permutations(group) for group in groups))
    scored = [scores_of_order([right for group in order for right in group], ks) for order in orders]
    return [sum(column) / len(scored) for column in zip(*scored, strict=True)]


@pytest.mark.parametrize("values", [2, 3, 100], ids=["many ties", "some ties", "hardly any"])
def test_scores_are_the_mean_over_all_orders_of_ties(values) -> None:
    generator = np.random.default_rng(values)
    ks = (1, 2, 3, 6, 9)
    for _ in range(40):
        distances = generator.integers(values, size=(1, 6))
        is_right = generator.random((1, 6)) < 0.4
        scores = score_queries(distances, is_right, recall_at=ks)
        got = [scores.precision_at_1[0], scores.average_precision[0], *(scores.recall_at[k][0] for k in ks)]
        if is_right.any():
            assert got == pytest.approx(loop(distances[0].tolist(), is_right[0].tolist(), ks))
        else:
            assert np.isnan(got).all()


def test_the_order_of_the_gallery_changes_nothing() -> None:
    generator = np.random.default_rng(0)
    distances = generator.integers(4, size=(30, 50))
    is_right = generator.random((30, 50)) < 0.1
    order = generator.permutation(50)

    straight, turned = score_queries(distances, is_right), score_queries(distances[:, order], is_right[:, order])

    assert straight.means() == pytest.approx(turned.means(), nan_ok=True)


def test_a_hash_that_is_the_same_for_everything_is_as_good_as_chance() -> None:
    is_right = np.zeros((1, 10), bool)
    is_right[0, 0] = True
    means = score_queries(np.zeros((1, 10), np.int32), is_right, recall_at=(1, 5, 10)).means()
    assert (means["P@1"], means["R@5"], means["R@10"]) == pytest.approx((0.1, 0.5, 1.0))


def test_what_is_left_out_is_as_if_it_were_not_there() -> None:
    generator = np.random.default_rng(1)
    distances = generator.random((8, 8))
    labels = np.array([0, 0, 0, 1, 1, 1, 2, 3])
    is_right = labels[:, None] == labels
    scores = score_queries(distances, is_right, is_in_gallery=~np.eye(8, dtype=bool))

    for query in range(8):
        others = np.arange(8) != query
        alone = score_queries(distances[query, others][None], is_right[query, others][None])
        np.testing.assert_array_equal(scores.precision_at_1[query], alone.precision_at_1[0])
        np.testing.assert_array_equal(scores.average_precision[query], alone.average_precision[0])


def test_queries_without_an_answer_are_counted_and_not_averaged() -> None:
    scores = score_queries(np.array([[0.1, 0.2], [0.1, 0.2]]), np.array([[True, False], [False, False]]))
    assert scores.num_answerable == 1
    assert scores.means()["P@1"] == 1.0
    assert np.isnan(score_queries(np.zeros((1, 2)), np.zeros((1, 2), bool)).means()["MAP"])


def test_an_empty_set_of_queries_has_no_figures() -> None:
    scores = score_queries(np.zeros((0, 3)), np.zeros((0, 3), bool))
    assert scores.num_answerable == 0
    assert np.isnan(scores.means()["P@1"])


@pytest.mark.parametrize(
    ("distances", "is_right", "options", "message"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4), bool), {}, r"must all be \[Q, G\]"),
        (np.array([[np.nan]]), np.ones((1, 1), bool), {}, "not finite"),
        (np.zeros((1, 1)), np.ones((1, 1), bool), {"recall_at": (0,)}, "at 1 or more items, got 0"),
    ],
)
def test_what_cannot_be_scored_is_refused(distances, is_right, options, message) -> None:
    with pytest.raises(EvaluationError, match=message):
        score_queries(distances, is_right, **options)
