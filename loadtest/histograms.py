"""Distributions of durations: HdrHistograms that merge across processes, and exact percentiles of raw samples."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from loadtest.results.latency import PERCENTILES, LatencySummary

Milliseconds = NDArray[np.float64]

LOWEST_US = 1
HIGHEST_US = 3_600_000_000  # one hour
SIGNIFICANT_DIGITS = 3


def empty_histogram() -> HdrHistogram:
    """Return a histogram of microseconds, from 1 us to an hour, exact to 3 significant digits."""
    return HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)


def histogram_of(durations_ms: Milliseconds) -> HdrHistogram:
    """Return a histogram of durations in milliseconds; those outside of its range are counted at its ends."""
    histogram = empty_histogram()
    microseconds = np.clip(np.rint(durations_ms * 1e3), LOWEST_US, HIGHEST_US).astype(np.int64)
    # The library is slow per call: equal values are counted first, and far apart ones are rare.
    for value, count in zip(*np.unique(microseconds, return_counts=True), strict=True):
        histogram.record_value(int(value), int(count))
    return histogram


def merge(histograms: Iterable[HdrHistogram]) -> HdrHistogram:
    """Return one histogram with all counts; the parts stay as they are."""
    merged = empty_histogram()
    for histogram in histograms:
        merged.add(histogram)
    return merged


def encode(histogram: HdrHistogram) -> str:
    """Return a histogram as text: HdrHistogram's V2 encoding, compressed, base64."""
    encoded: bytes = histogram.encode()
    return encoded.decode("ascii")


def decode(text: str) -> HdrHistogram:
    """Return the histogram of an encoded text."""
    return HdrHistogram.decode(text)


def exact_percentile(sorted_values: Milliseconds, percentile: float) -> float:
    """Return a percentile by nearest rank: the smallest value which at least that share does not exceed.

    Args:
        sorted_values: at least one value, ascending; infinity stands for "never".
        percentile: between 0 and 100.
    """
    # Decimal percentiles such as 99.9 are not exact in binary: 99.9 % of 1,000 must be rank 999, not 1,000.
    rank = math.ceil(round(percentile * len(sorted_values) / 100, 9))
    return float(sorted_values[max(rank, 1) - 1])


def summarize(parts_ms: Iterable[Milliseconds], percentiles: Iterable[float] = PERCENTILES) -> LatencySummary:
    """Return the summary of durations that several processes have measured.

    Args:
        parts_ms: finite durations in milliseconds, one array for each process.
        percentiles: which ones to give, besides the usual ones.
    """
    parts = [part for part in parts_ms if len(part)]
    histogram = encode(merge(histogram_of(part) for part in parts))
    if not parts:
        return LatencySummary(count=0, mean_ms=None, min_ms=None, max_ms=None, percentiles={}, histogram=histogram)
    values = np.sort(np.concatenate(parts))
    wanted = sorted({*PERCENTILES, *percentiles})
    return LatencySummary(
        count=len(values),
        mean_ms=float(values.mean()),
        min_ms=float(values[0]),
        max_ms=float(values[-1]),
        percentiles={f"{percentile:g}": exact_percentile(values, percentile) for percentile in wanted},
        histogram=histogram,
    )
