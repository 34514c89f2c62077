"""Offline class-aware upsampling, GenOD section 4.1."""

import numpy as np
import pytest

from training.data.class_balance import boxes_per_class, repeats_per_photo

PHOTOS = [("cat", "cat", "dog"), ("dog",), ("dog", "dog"), ("bear",), (), ("kite", "cat")]
CLASSES = ("cat", "dog", "bear")


def test_every_class_reaches_the_minimum_and_no_photo_goes():
    repeats = repeats_per_photo(PHOTOS, CLASSES, min_boxes_per_class=20)
    assert min(repeats) >= 1
    after = boxes_per_class(PHOTOS, CLASSES, repeats)
    assert all(count >= 20 for count in after.values())
    assert repeats[4] == 1  # it shows nothing that is wanted


def test_counts_equal_a_loop_over_what_an_epoch_shows():
    repeats = repeats_per_photo(PHOTOS, CLASSES, min_boxes_per_class=7)
    shown = [label for labels, count in zip(PHOTOS, repeats, strict=True) for _ in range(count) for label in labels]
    assert boxes_per_class(PHOTOS, CLASSES, repeats) == {name: shown.count(name) for name in CLASSES}


def test_a_class_that_has_enough_is_left_as_it_is():
    assert repeats_per_photo(PHOTOS, CLASSES, min_boxes_per_class=0) == [1] * len(PHOTOS)
    assert repeats_per_photo(PHOTOS, ("dog",), min_boxes_per_class=4) == [1] * len(PHOTOS)


def test_the_photos_of_a_class_are_repeated_evenly():
    photos = [("bear",)] * 7
    repeats = repeats_per_photo(photos, ["bear"], min_boxes_per_class=24)
    assert sum(repeats) == 24
    assert set(repeats) == {3, 4}


def test_what_a_rare_class_s_photos_show_besides_counts_for_the_frequent_ones():
    photos = [("bear", "cat"), ("cat",)]
    assert repeats_per_photo(photos, ["cat", "bear"], min_boxes_per_class=5) == [5, 1]


def test_no_photo_is_shown_more_often_than_allowed():
    repeats = repeats_per_photo(PHOTOS, CLASSES, min_boxes_per_class=2000, max_repeats=4)
    assert max(repeats) == 4
    assert boxes_per_class(PHOTOS, CLASSES, repeats)["bear"] == 4


def test_repeating_starts_from_how_often_photos_are_shown_anyway():
    repeats = repeats_per_photo([("bear",), ("cat",)], ["bear", "cat"], min_boxes_per_class=3, initial_repeats=[5, 1])
    assert repeats == [5, 3]


def test_a_class_without_photos_is_no_endless_loop():
    assert repeats_per_photo(PHOTOS, ["unicorn"], min_boxes_per_class=10) == [1] * len(PHOTOS)


@pytest.mark.parametrize("seed", range(5))
def test_random_sets_reach_the_minimum_with_less_than_one_photo_too_many_per_class(seed):
    rng = np.random.default_rng(seed)
    names = [f"class {k}" for k in range(12)]
    weights = 1 / np.arange(1, 13) ** 2
    photos = [tuple(rng.choice(names, rng.integers(0, 6), p=weights / weights.sum())) for _ in range(200)]
    before = boxes_per_class(photos, names)
    repeats = repeats_per_photo(photos, names, min_boxes_per_class=50, seed=seed)
    after = boxes_per_class(photos, names, repeats)
    assert all(after[name] >= 50 for name in names if before[name])
    rarest = min((name for name in names if before[name]), key=lambda name: before[name])
    largest = max(labels.count(rarest) for labels in photos)
    assert after[rarest] >= 50
    of_rarest = [k for k, labels in enumerate(photos) if rarest in labels]
    assert max(repeats[k] for k in of_rarest) >= 50 // (len(of_rarest) * largest)


def test_the_choice_depends_on_the_seed_alone():
    photos = [("bear",)] * 7
    first = repeats_per_photo(photos, ["bear"], min_boxes_per_class=10, seed=1)
    assert first == repeats_per_photo(photos, ["bear"], min_boxes_per_class=10, seed=1)
    assert any(first != repeats_per_photo(photos, ["bear"], min_boxes_per_class=10, seed=k) for k in range(2, 6))
