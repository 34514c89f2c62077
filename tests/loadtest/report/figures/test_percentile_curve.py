import numpy as np
import pytest

from loadtest.histogram_cells import recorded_cells
from loadtest.histograms import encode, histogram_of
from loadtest.report.figures.percentile_curve import Curve, percentile_curve
from loadtest.results import Target


def curve_of(latencies_ms, label="latency"):
    return Curve(label=label, histogram=encode(histogram_of(np.asarray(latencies_ms, dtype=float))))


def test_cells_hold_what_was_recorded():
    values_ms, counts = recorded_cells(curve_of([1.0, 1.0, 250.0, 10_000.0]).histogram)
    assert counts.tolist() == [2, 1, 1]
    assert values_ms == pytest.approx([1.0, 250.0, 10_000.0], rel=1e-3)


def test_nothing_recorded_is_no_cell():
    values_ms, counts = recorded_cells(curve_of([]).histogram)
    assert len(values_ms) == len(counts) == 0


def test_a_single_request_can_be_drawn():
    assert "<svg" in percentile_curve([curve_of([3.0])], [Target(percentile=99.9, limit_ms=1.0)])


def test_the_description_holds_the_median_and_the_slowest():
    text = percentile_curve([curve_of([10.0] * 60 + [20.0] * 39 + [500.0])], [Target(percentile=99.0, limit_ms=100.0)])
    assert "half of the requests within 10 ms, all within 500 ms; p99 may be 100 ms" in text
