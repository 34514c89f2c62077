"""How many samples a statement about a percentile needs: the early-stopping rule of MLPerf's LoadGen, and its opposite.

Each request is either within the limit or over it. If the limit is the true p99, one request in a hundred is over it,
and the number over it among n is binomial. So

- a PASS is sound when t or fewer over the limit would be improbable if the percentile were at the limit or above it:
  P(X <= t) <= 0.01 for X ~ Binomial(n, 0.01), which is LoadGen's rule (Server scenario);
- a miss is sound when t or more would be improbable if it were at the limit or below it: P(X >= t) <= 0.01;
- in between, the samples do not tell.
"""

from __future__ import annotations

import math
from typing import Literal

# The binomial distribution itself: scipy.stats.binom is the same function behind an import that takes a second.
from scipy.special import bdtr, bdtrc

# Probability of a wrong PASS, and of a wrong miss.
SIGNIFICANCE = 0.01

# Probabilities that are equal to the limit on paper, such as that of 1 of 1, shall be so in floating point.
_ROUNDING = 1 + 1e-9

# Beyond this many samples we say that the figure is too near to the limit rather than how long it would take.
SEARCH_LIMIT = 50_000_000

Judgement = Literal["met", "missed", "undecided"]


def allowed_share(percentile: float) -> float:
    """Return the share of requests that may be over the limit: 0.01 for p99, without the noise of 1 - 0.99."""
    return round((100.0 - percentile) / 100.0, 12)


def pass_is_sound(*, over: int, count: int, percentile: float) -> bool:
    """Return whether `over` of `count` samples above the limit prove that the percentile is within it."""
    return count > 0 and bool(bdtr(over, count, allowed_share(percentile)) <= SIGNIFICANCE * _ROUNDING)


def miss_is_sound(*, over: int, count: int, percentile: float, significance: float = SIGNIFICANCE) -> bool:
    """Return whether `over` of `count` samples above the limit prove that the percentile is beyond it."""
    return over > 0 and bool(bdtrc(over - 1, count, allowed_share(percentile)) <= significance * _ROUNDING)


def judge(*, over: int, count: int, percentile: float, significance_of_miss: float = SIGNIFICANCE) -> Judgement:
    """Say what the samples prove.

    Args:
        over: samples above the limit; failed requests are.
        count: all samples.
        percentile: which one is limited, between 0 and 100, exclusive.
        significance_of_miss: probability of a wrong `missed`; smaller where several limits are judged together.
    """
    if pass_is_sound(over=over, count=count, percentile=percentile):
        return "met"
    if miss_is_sound(over=over, count=count, percentile=percentile, significance=significance_of_miss):
        return "missed"
    return "undecided"


def required_samples(*, over: int, percentile: float) -> int:
    """Return the smallest number of samples of which `over` may be above the limit in a PASS.

    459 for p99 and none over it, 662 for one, 838 for two.
    """
    low, high = over, max(16, over + 1)  # `low` samples with all of them over never pass
    while not pass_is_sound(over=over, count=high, percentile=percentile):
        low, high = high, 2 * high
    while high - low > 1:  # the probability falls with every sample that is not over
        middle = (low + high) // 2
        if pass_is_sound(over=over, count=middle, percentile=percentile):
            high = middle
        else:
            low = middle
    return high


def allowed_over(*, count: int, percentile: float) -> int | None:
    """Return how many of `count` samples may be above the limit in a PASS; None where `count` is too few for any."""
    if not pass_is_sound(over=0, count=count, percentile=percentile):
        return None
    low, high = 0, count  # `low` passes, `high` does not: all of them over the limit never pass
    while high - low > 1:
        middle = (low + high) // 2
        if pass_is_sound(over=middle, count=count, percentile=percentile):
            low = middle
        else:
            high = middle
    return low


def samples_to_decide(
    *, over: int, count: int, percentile: float, significance_of_miss: float = SIGNIFICANCE
) -> int | None:
    """Return about how many samples in all would decide, if the share above the limit stays what it is.

    Returns:
        The number; None where it is beyond reason, because the percentile lies at the limit.
    """
    if count == 0:
        return required_samples(over=0, percentile=percentile)

    def is_decided(size: int) -> bool:
        expected = over * size / count
        # Rounded against us, so that the number is not too small by one sample over the limit.
        return pass_is_sound(over=math.ceil(expected), count=size, percentile=percentile) or miss_is_sound(
            over=math.floor(expected), count=size, percentile=percentile, significance=significance_of_miss
        )

    low, high = count, count + 1
    while not is_decided(high):
        low, high = high, 2 * high
        if high > SEARCH_LIMIT:
            return None
    # Not quite monotone because of the rounding; a crossing is good enough for "about".
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_decided(middle) else (middle, high)
    return high
