import math

import numpy as np
import pytest

from training.embedder.evaluation.distances import cosine_distances
from training.embedder.evaluation.errors import EvaluationError


def test_distances_are_those_of_a_loop() -> None:
    generator = np.random.default_rng(0)
    queries = generator.normal(size=(5, 7)).astype(np.float32)
    gallery = generator.normal(size=(6, 7)).astype(np.float32)

    distances = cosine_distances(queries, gallery)

    for q in range(5):
        for g in range(6):
            dot = sum(float(a) * float(b) for a, b in zip(queries[q], gallery[g], strict=True))
            lengths = math.hypot(*map(float, queries[q])) * math.hypot(*map(float, gallery[g]))
            assert distances[q, g] == pytest.approx(1 - dot / lengths, abs=1e-6)


def test_the_same_picture_twice_is_equally_far_wherever_it_stands() -> None:
    generator = np.random.default_rng(1)
    gallery = generator.normal(size=(33, 400)).astype(np.float32)
    gallery[32] = gallery[1] * 1.0000001  # as another batch may round it
    distances = cosine_distances(generator.normal(size=(50, 400)).astype(np.float32), gallery)
    assert (distances[:, 1] == distances[:, 32]).mean() > 0.9
    assert np.abs(distances[:, 1] - distances[:, 32]).max() < 2e-6


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_what_has_no_direction_is_refused(bad) -> None:
    with pytest.raises(EvaluationError, match="1 of 2 queries are not finite or all zeros, the first is row 1"):
        cosine_distances(np.array([[1, 2], [bad, bad]], np.float32), np.ones((3, 2), np.float32))


def test_different_dimensions_are_refused() -> None:
    with pytest.raises(EvaluationError, match="same D"):
        cosine_distances(np.ones((1, 2), np.float32), np.ones((1, 3), np.float32))
