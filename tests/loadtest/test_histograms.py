import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from loadtest.histograms import decode, encode, exact_percentile, histogram_of, merge, summarize


def test_a_histogram_is_exact_to_three_digits():
    values_ms = np.random.default_rng(0).lognormal(3, 1, size=20_000)
    histogram = histogram_of(values_ms)
    for percentile in (50, 90, 99, 99.9):
        exact = exact_percentile(np.sort(values_ms), percentile)
        assert histogram.get_value_at_percentile(percentile) / 1e3 == pytest.approx(exact, rel=2e-3)


def test_counting_equal_values_first_gives_the_same_histogram_as_one_by_one():
    values_ms = np.random.default_rng(1).exponential(5, size=2000).round(2)
    one_by_one = HdrHistogram(1, 3_600_000_000, 3)
    for value in values_ms:
        one_by_one.record_value(max(1, round(value * 1000)))
    assert encode(histogram_of(values_ms)) == encode(one_by_one)


def test_merging_is_the_same_as_measuring_in_one_process():
    values_ms = np.random.default_rng(2).exponential(20, size=3000)
    parts = [histogram_of(values_ms[start::3]) for start in range(3)]
    merged = merge(parts)
    assert merged.get_total_count() == 3000
    assert encode(merged) == encode(histogram_of(values_ms))
    assert [part.get_total_count() for part in parts] == [1000, 1000, 1000]


def test_what_was_encoded_by_one_process_is_merged_by_another():
    values_ms = np.array([1.0, 2.0, 400.0])
    merged = merge([decode(encode(histogram_of(values_ms))), histogram_of(np.array([3.0]))])
    assert merged.get_total_count() == 4
    assert merged.get_max_value() == pytest.approx(400_000, rel=1e-3)


def test_values_beyond_the_range_are_counted_at_its_ends():
    histogram = histogram_of(np.array([0.0, 1e12]))
    assert histogram.get_total_count() == 2


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.sampled_from([1, 50, 90, 95, 99, 99.9, 99.99]))
def test_a_percentile_is_the_smallest_value_that_covers_its_share(values, percentile):
    values = np.sort(np.array(values))
    found = exact_percentile(values, percentile)
    needed = percentile / 100 * len(values)
    assert (values <= found).sum() >= needed - 1e-6
    assert (values < found).sum() < needed + 1e-6


def test_the_999_th_of_1000_is_the_p99_9_in_spite_of_binary_fractions():
    assert exact_percentile(np.arange(1, 1001, dtype=float), 99.9) == 999


def test_a_summary_puts_the_workers_together():
    summary = summarize([np.array([1.0, 3.0]), np.array([]), np.array([2.0, 10.0])], [75])
    assert (summary.count, summary.mean_ms, summary.min_ms, summary.max_ms) == (4, 4.0, 1.0, 10.0)
    assert summary.percentiles["50"] == 2.0
    assert summary.percentiles["75"] == 3.0
    assert decode(summary.histogram).get_total_count() == 4


def test_a_summary_of_nothing_says_so():
    summary = summarize([])
    assert (summary.count, summary.mean_ms, summary.percentiles) == (0, None, {})
    assert decode(summary.histogram).get_total_count() == 0
