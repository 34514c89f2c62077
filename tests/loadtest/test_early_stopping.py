"""The table of MLPerf's LoadGen to the digit, and what follows from it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from loadtest.early_stopping import (
    allowed_over,
    judge,
    miss_is_sound,
    pass_is_sound,
    required_samples,
    samples_to_decide,
)


@pytest.mark.parametrize(
    ("percentile", "over", "samples"),
    [
        (99, 0, 459),
        (99, 1, 662),
        (99, 2, 838),
        (99, 5, 1307),
        (99, 10, 2010),
        (95, 0, 90),
        (95, 1, 130),
        (95, 2, 165),
        (99.9, 0, 4603),
        (99.9, 1, 6636),
    ],
)
def test_the_least_number_of_samples_for_a_pass_is_that_of_loadgen(percentile, over, samples):
    assert required_samples(over=over, percentile=percentile) == samples
    assert pass_is_sound(over=over, count=samples, percentile=percentile)
    assert not pass_is_sound(over=over, count=samples - 1, percentile=percentile)


def binomial_cdf(successes, trials, probability):
    """Term by term, with exact integers for the coefficients."""
    return math.fsum(
        math.comb(trials, k) * probability**k * (1 - probability) ** (trials - k) for k in range(successes + 1)
    )


@pytest.mark.parametrize("percentile", [50, 90, 95, 99])
@pytest.mark.parametrize("over", [0, 1, 3])
def test_the_rule_is_the_binomial_formula(percentile, over):
    share = (100 - percentile) / 100
    n = next(n for n in range(over + 1, 2000) if binomial_cdf(over, n, share) <= 0.01)
    assert required_samples(over=over, percentile=percentile) == n


@given(count=st.integers(1, 20_000), data=st.data(), percentile=st.sampled_from([50.0, 90.0, 95.0, 99.0, 99.9]))
def test_both_tests_are_those_of_scipys_binomial_distribution(count, data, percentile):
    # Around the mean, where the decisions fall.
    share = (100 - percentile) / 100
    near = int(count * share)
    limit = 0.01 * (1 + 1e-9)  # 1 of 1 is the limit itself
    over = data.draw(st.integers(max(0, near - 100), min(count, near + 100)))
    assert pass_is_sound(over=over, count=count, percentile=percentile) == (binom.cdf(over, count, share) <= limit)
    missed = over > 0 and binom.sf(over - 1, count, share) <= limit
    assert miss_is_sound(over=over, count=count, percentile=percentile) == missed


def test_p99_of_400_samples_is_never_a_pass():
    for over in range(401):
        assert judge(over=over, count=400, percentile=99) != "met"
    assert allowed_over(count=400, percentile=99) is None


@given(count=st.integers(1, 30_000), percentile=st.sampled_from([50.0, 90.0, 95.0, 99.0, 99.9]))
def test_what_may_be_over_the_limit_is_the_most_that_still_passes(count, percentile):
    over = allowed_over(count=count, percentile=percentile)
    if over is None:
        assert not pass_is_sound(over=0, count=count, percentile=percentile)
    else:
        assert pass_is_sound(over=over, count=count, percentile=percentile)
        assert not pass_is_sound(over=over + 1, count=count, percentile=percentile)
        assert required_samples(over=over, percentile=percentile) <= count


@given(count=st.integers(1, 5000), data=st.data(), percentile=st.sampled_from([50.0, 90.0, 99.0]))
def test_a_pass_means_that_the_percentile_is_within_and_a_miss_that_it_is_beyond(count, data, percentile):
    over = data.draw(st.integers(0, count))
    judgement = judge(over=over, count=count, percentile=percentile)
    allowed = (100 - percentile) / 100
    if judgement == "met":
        assert over / count < allowed
    if judgement == "missed":
        assert over / count > allowed


def test_a_percentile_barely_over_the_limit_is_not_yet_a_miss():
    # 7 of 600 are over: p99 is above the limit, but so it would be in 40 % of all runs of a server that just holds it.
    assert judge(over=7, count=600, percentile=99) == "undecided"
    assert judge(over=60, count=600, percentile=99) == "missed"


def test_several_limits_need_more_for_a_miss():
    assert miss_is_sound(over=13, count=600, percentile=99)
    assert not miss_is_sound(over=13, count=600, percentile=99, significance=0.01 / 5)


def test_how_many_samples_would_decide():
    assert samples_to_decide(over=0, count=400, percentile=99) == 459
    assert samples_to_decide(over=0, count=0, percentile=99) == 459
    needed = samples_to_decide(over=2, count=400, percentile=99) or 0
    assert pass_is_sound(over=math.ceil(2 * needed / 400), count=needed, percentile=99)
    more = samples_to_decide(over=7, count=600, percentile=99) or 0
    assert miss_is_sound(over=7 * more // 600, count=more, percentile=99)


def test_no_number_of_samples_decides_when_the_share_is_the_allowed_one():
    assert samples_to_decide(over=4, count=400, percentile=99) is None
