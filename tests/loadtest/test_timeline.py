import numpy as np
import pytest

from loadtest.evidence import Span
from loadtest.open_loop.records import ANSWERED, FIRST_ERROR, PENDING
from loadtest.timeline import timeline_of
from tests.loadtest.evidences import samples


def test_seconds_are_counted_by_when_requests_were_due():
    these = samples(
        [0.2, 0.7, 1.1, 2.5], np.array([3.0, 0.1, 0.1, 0.1]), outcome=[ANSWERED, ANSWERED, FIRST_ERROR, ANSWERED]
    )
    rows = timeline_of(these, spans=(Span(start_s=0, end_s=3),), window_s=(0, 3))
    assert [(row.second, row.sent, row.completed, row.errors) for row in rows] == [
        (0, 2, 2, 0),
        (1, 1, 0, 1),
        (2, 1, 1, 0),
    ]
    assert (rows[0].p50_ms, rows[0].max_ms) == pytest.approx((100, 3000))
    assert rows[1].p99_ms is None


def test_a_phase_that_changes_within_a_second_has_a_row_on_either_side():
    these = samples(np.arange(0, 4, 0.25), 0.1)
    spans = (Span(start_s=0.5, end_s=1.5), Span(start_s=2.0, end_s=3.0))
    rows = timeline_of(these, spans=spans, window_s=(0.5, 3.0))
    assert [(row.second, row.phase, row.sent) for row in rows] == [
        (0, "warmup", 2),
        (0, "measured", 2),
        (1, "measured", 2),
        (1, "unjudged", 2),
        (2, "measured", 4),
        (3, "cooldown", 4),
    ]


def test_segments_of_one_phase_do_not_divide_a_second():
    spans = (Span(start_s=0, end_s=1.5), Span(start_s=1.5, end_s=3))
    rows = timeline_of(samples(np.arange(0, 3, 0.25), 0.1), spans=spans, window_s=(0, 3))
    assert [(row.second, row.sent) for row in rows] == [(0, 4), (1, 4), (2, 4)]


def test_requests_that_never_ended_are_in_no_row():
    these = samples([0.1, 0.2], 0.1, outcome=[ANSWERED, PENDING])
    (row,) = timeline_of(these, spans=(Span(start_s=0, end_s=1),), window_s=(0, 1))
    assert row.sent == 1


def test_no_requests_are_no_rows():
    rows = timeline_of(samples([], np.array([])), spans=(Span(start_s=0, end_s=1),), window_s=(0, 1))
    assert sum(row.sent for row in rows) == 0
