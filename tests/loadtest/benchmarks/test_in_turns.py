"""Sides take turns, and each is charged for its own calls alone."""

import threading
import time

import pytest

from loadtest.benchmarks.in_turns import BLOCK_REQUESTS, time_in_turns

PHOTOS = [b"a", b"b", b"c"]


def test_every_side_gets_the_same_photos_in_blocks_and_another_begins_each_time():
    asked = []
    lock = threading.Lock()

    def side(name):
        def call(photo):
            with lock:
                asked.append((name, photo))

        return call

    sides = time_in_turns({"x": side("x"), "y": side("y")}, PHOTOS, callers=1, requests=2 * BLOCK_REQUESTS)
    assert {name: len(side.milliseconds) for name, side in sides.items()} == {"x": 32, "y": 32}
    # One call before each block is not measured: it warms up after the switch.
    turns = [asked[k : k + BLOCK_REQUESTS + 1] for k in range(0, len(asked), BLOCK_REQUESTS + 1)]
    assert [{name for name, _ in turn} for turn in turns] == [{"x"}, {"y"}, {"y"}, {"x"}]
    assert [photo for _, photo in turns[0]] == [photo for _, photo in turns[1]]


def test_a_slow_side_is_slow_and_its_neighbour_is_not():
    calls = {"slow": lambda photo: time.sleep(0.02), "fast": lambda photo: None}
    sides = time_in_turns(calls, PHOTOS, callers=4, requests=BLOCK_REQUESTS)
    assert sides["slow"].percentile_ms(50) >= 20
    assert sides["slow"].seconds >= 0.02 * BLOCK_REQUESTS / 4
    assert sides["slow"].requests_per_s == pytest.approx(BLOCK_REQUESTS / sides["slow"].seconds)
    assert sides["fast"].percentile_ms(50) < sides["slow"].percentile_ms(50)
