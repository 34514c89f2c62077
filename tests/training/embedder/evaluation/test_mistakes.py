from pathlib import Path

import numpy as np
import pytest

from tests.training.embedder.evaluation.painted_crops import crop
from training.embedder.evaluation.mistakes import confusions, mistakes, precision_per_label
from training.embedder.evaluation.protocol import Protocol, search
from training.embedder.evaluation.query_scores import score_queries

# Queries a, a, b, d against a gallery a, b, c: the first is right, the second wrong by 3, the third wrong by 1.
DISTANCES = np.array([[1, 2, 3], [6, 3, 4], [3, 2, 1], [1, 1, 1]])


def shop() -> Protocol:
    queries = [crop(Path(f"q{k}.png"), label) for k, label in enumerate("aabd")]
    gallery = [crop(Path(f"g{k}.png"), label) for k, label in enumerate("abc")]
    return search("shop", "queries", queries, gallery, kind="label")


def test_mistakes_come_worst_first_with_the_wrong_and_the_right_answer() -> None:
    protocol = shop()
    found = mistakes(protocol, protocol.cases[0], DISTANCES)

    assert [(m.query, m.wrong - 4, m.right - 4, m.by) for m in found] == [(1, 1, 0, 3.0), (2, 2, 1, 1.0)]
    assert confusions(protocol, found) == [("a", "b", 1), ("b", "c", 1)]


def test_an_answer_as_near_as_the_right_one_is_no_mistake() -> None:
    protocol = shop()
    assert not mistakes(protocol, protocol.cases[0], np.ones((4, 3)))


def test_each_class_has_its_precision_worst_first() -> None:
    protocol = shop()
    (case,) = protocol.cases
    scores = score_queries(DISTANCES, protocol.is_right(case))
    found = precision_per_label(protocol, case, scores.precision_at_1)
    assert list(found) == ["b", "a"]
    assert found["a"] == pytest.approx((0.5, 2))
    assert found["b"] == (0.0, 1)  # nothing can be said of d, which nobody sells
