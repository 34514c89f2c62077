import numpy as np
import pytest

from training.scorecard.paired_bootstrap import paired_difference
from training.scorecard.query_precision import QueryPrecision, mean_precision


def test_a_weighted_mean_is_that_of_the_queries_repeated() -> None:
    precision = QueryPrecision(np.array([1.0, 0.0, 0.5]))
    weights = np.array([[1.0, 1, 1], [2, 0, 1], [0, 3, 0], [0, 0, 0]])

    found = precision.precision_at_1(weights)

    repeated = [np.repeat([1.0, 0.0, 0.5], row.astype(int)) for row in weights[:3]]
    assert found[:3] == pytest.approx([values.mean() for values in repeated])
    assert np.isnan(found[3])


def test_sets_count_equally_whatever_their_size() -> None:
    judged = {"few": QueryPrecision(np.array([1.0])), "many": QueryPrecision(np.zeros(99))}
    weights = {"few": np.ones((1, 1)), "many": np.ones((1, 99))}
    assert mean_precision(("few", "many"))(judged, weights) == pytest.approx([0.5])


def test_the_bootstrap_pairs_queries_so_that_a_constant_gain_has_no_spread() -> None:
    generator = np.random.default_rng(0)
    other = [{"a": QueryPrecision((generator.random(40) < 0.5) * 0.5)} for _ in range(3)]
    better = [{"a": QueryPrecision(side["a"].precision_per_query + 0.25)} for side in other]

    found = paired_difference(better, other, mean_precision(("a",)), draws=200)

    assert found.differences_per_seed == pytest.approx((0.25,) * 3)
    assert found.interval == pytest.approx((0.25, 0.25))
