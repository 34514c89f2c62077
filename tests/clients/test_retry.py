import math

import pytest

from genod_client import RetryPolicy
from genod_client.errors import DeadlineExceededError, InvalidInputError
from genod_client.retry import Deadline


def test_pauses_double_up_to_the_longest_and_are_jittered_downwards_by_half_at_most():
    policy = RetryPolicy(max_attempts=9, first_pause_s=0.1, longest_pause_s=1.0)
    for attempt, longest_s in enumerate([0.1, 0.2, 0.4, 0.8, 1.0, 1.0], start=1):
        pauses_s = [policy.pause_s(attempt) for _ in range(200)]
        assert all(longest_s / 2 <= pause_s <= longest_s for pause_s in pauses_s)
        assert len(set(pauses_s)) > 100


def test_a_pause_stays_finite_after_very_many_attempts():
    assert RetryPolicy(max_attempts=10_000).pause_s(1000) <= 2.0


@pytest.mark.parametrize(
    "arguments",
    [{"max_attempts": 0}, {"first_pause_s": -1}, {"first_pause_s": 3.0}, {"longest_pause_s": math.nan}],
)
def test_contradictions_are_refused(arguments):
    with pytest.raises(InvalidInputError):
        RetryPolicy(**arguments)


@pytest.mark.parametrize("timeout_s", [0, -1, math.inf, math.nan])
def test_a_timeout_is_a_positive_number(timeout_s):
    with pytest.raises(InvalidInputError, match="timeout_s must be a positive number of seconds"):
        Deadline(timeout_s)


def test_a_deadline_counts_down_and_says_how_long_it_was():
    deadline = Deadline(0.001)
    assert deadline.seconds_left() <= 0.001
    error = deadline.error()
    assert isinstance(error, DeadlineExceededError)
    assert "within its 0.001 s" in str(error)
