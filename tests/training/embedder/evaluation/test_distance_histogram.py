import numpy as np
import pytest

from training.embedder.evaluation.distance_histogram import distance_histogram
from training.embedder.evaluation.errors import EvaluationError


def test_shares_overlap_and_order_are_those_of_a_loop() -> None:
    generator = np.random.default_rng(0)
    distances = generator.integers(0, 17, size=(9, 11))
    is_right = generator.random((9, 11)) < 0.3
    is_in_gallery = generator.random((9, 11)) < 0.8

    found = distance_histogram(distances, is_right, is_in_gallery=is_in_gallery, largest=16, bins=4)

    pairs = [(q, g) for q in range(9) for g in range(11) if is_in_gallery[q, g]]
    positive = [int(distances[p]) for p in pairs if is_right[p]]
    negative = [int(distances[p]) for p in pairs if not is_right[p]]
    bins = [(0, 4), (4, 8), (8, 12), (12, 17)]  # the last one holds its end
    shares = [[sum(low <= d < high for d in side) / len(side) for low, high in bins] for side in (positive, negative)]
    order = [1.0 if p < n else 0.5 if p == n else 0.0 for p in positive for n in negative]
    assert found is not None
    assert found.positive.tolist() == pytest.approx(shares[0])
    assert found.negative.tolist() == pytest.approx(shares[1])
    assert found.overlap == pytest.approx(sum(min(p, n) for p, n in zip(*shares, strict=True)))
    assert found.chance_of_order == pytest.approx(sum(order) / len(order))
    assert (found.num_positive, found.num_negative) == (len(positive), len(negative))


def test_apart_is_no_overlap_and_equal_is_all() -> None:
    is_right = np.array([[True, True, False, False]])
    apart = distance_histogram(np.array([[1, 2, 200, 201]]), is_right, largest=256)
    equal = distance_histogram(np.array([[7, 7, 7, 7]]), is_right, largest=256)
    assert apart is not None
    assert (apart.overlap, apart.chance_of_order) == (0.0, 1.0)
    assert equal is not None
    assert (equal.overlap, equal.chance_of_order) == (1.0, 0.5)


def test_there_is_no_histogram_of_one_side() -> None:
    assert distance_histogram(np.zeros((1, 2)), np.ones((1, 2), bool), largest=2) is None


def test_distances_beyond_the_axis_are_refused() -> None:
    with pytest.raises(EvaluationError, match="0 to 2, got 3 to 3"):
        distance_histogram(np.array([[3.0, 1.0]]), np.array([[True, False]]), largest=2)
