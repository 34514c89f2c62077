import numpy as np
import pytest

from tests.training.scorecard.random_detections import random_detections, random_truth
from training.scorecard.paired_bootstrap import paired_difference
from training.scorecard.photo_matches import PhotoMatches, match_photos


def score(matches, weights):
    return matches["set"].AP50(weights["set"])


def sides(qualities: list[float], *, photos: int = 60) -> list[dict[str, PhotoMatches]]:
    truth = random_truth(0, photos=photos)
    return [
        {"set": match_photos(truth, random_detections(truth, seed, quality=quality))}
        for seed, quality in enumerate(qualities)
    ]


def test_a_side_against_itself_differs_by_nothing_at_all() -> None:
    same = sides([0.7, 0.7])

    difference = paired_difference(same, same, score, draws=50)

    assert difference.differences_per_seed == (0.0, 0.0)
    assert difference.interval == (0.0, 0.0)


def test_a_much_better_side_has_an_interval_above_zero() -> None:
    difference = paired_difference(sides([0.95, 0.95]), sides([0.4, 0.4]), score, draws=200)

    low, high = difference.interval
    assert 0 < low < np.mean(difference.differences_per_seed) < high


def test_the_interval_covers_what_the_seeds_disagree_about() -> None:
    other = sides([0.6, 0.6])
    agreeing = paired_difference(sides([0.8, 0.8]), other, score, draws=400)
    disagreeing = paired_difference(sides([0.97, 0.55]), other, score, draws=400)

    width = [high - low for low, high in (agreeing.interval, disagreeing.interval)]
    assert width[1] > 1.5 * width[0]


def test_the_same_draws_come_every_time() -> None:
    first, again = (paired_difference(sides([0.8]), sides([0.6]), score, draws=50) for _ in range(2))
    assert first == again


def test_sides_of_different_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="same seeds"):
        paired_difference(sides([0.8, 0.8]), sides([0.8]), score)
