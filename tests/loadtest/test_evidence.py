import numpy as np
import pytest

from loadtest.evidence import Span, gather
from loadtest.open_loop.records import ANSWERED, FIRST_ERROR, NOT_SENT, PENDING
from loadtest.results import Target
from tests.loadtest.evidences import samples

SPANS = (Span(start_s=1, end_s=2), Span(start_s=3, end_s=4))
SLA = (Target(percentile=99, limit_ms=100),)


def gathered(these):
    return gather(these, spans=SPANS, sla=SLA, max_lag_ms=1.0)


def test_only_what_is_due_within_the_spans_is_judged():
    found = gathered(samples([0.5, 1.0, 1.9, 2.0, 2.5, 3.5, 4.0], 0.01))
    assert found.count == 3
    assert found.judged_s == 2


def test_a_failed_and_an_unsent_request_never_came():
    found = gathered(
        samples([1.1, 1.2, 1.3], 0.01, outcome=[ANSWERED, FIRST_ERROR, NOT_SENT], errors={FIRST_ERROR: ("E", "m")})
    )
    np.testing.assert_allclose(found.latencies_ms, [10, np.inf, np.inf])
    assert (found.failed, found.not_sent, found.first_error, found.first_error_at_s) == (1, 1, ("E", "m"), 1.2)
    assert found.over(SLA[0]) == 2


def test_the_limit_itself_is_within_the_limit():
    assert gathered(samples([0, 1.5], 0.1)).over(Target(percentile=99, limit_ms=100.00001)) == 0
    assert gathered(samples([1.5], 0.1)).over(Target(percentile=99, limit_ms=99.9)) == 1


def test_lag_counts_from_when_it_is_more_than_allowed():
    lag_s = np.array([0.0005, 0.0015, 0.1])
    found = gathered(samples([1.1, 1.2, 1.3], 0.2, lag_s=lag_s))
    assert found.late == 2
    assert found.lag_p99_ms == pytest.approx(100)


def test_a_request_that_was_not_sent_is_late():
    these = samples([1.1, 1.2], 0.2, outcome=[ANSWERED, NOT_SENT], lag_s=np.array([0, np.nan]))
    assert gathered(these).late == 1


def test_what_was_on_its_way_at_an_interrupt_counts_only_when_it_was_already_too_slow():
    these = samples(
        [1.1, 1.2, 1.95],
        0.01,
        outcome=[ANSWERED, PENDING, PENDING],
        stopped="interrupted",
        stopped_at_s=1.97,
        ended_at_s=2.0,
    )
    found = gathered(these)
    np.testing.assert_allclose(found.latencies_ms, [10, np.inf])
    assert found.judged_s == pytest.approx(0.97)


def test_what_was_due_after_the_stop_is_not_judged():
    these = samples([1.1, 1.2, 1.6], 0.01, stopped="interrupted", stopped_at_s=1.5)
    assert gathered(these).count == 2


def test_an_error_of_the_warmup_is_quoted_only_where_no_later_one_is():
    errors = {FIRST_ERROR: ("A", "warm"), FIRST_ERROR + 1: ("B", "hot")}
    these = samples([0.5, 1.5], 0.01, outcome=[FIRST_ERROR, FIRST_ERROR + 1], errors=errors)
    assert gathered(these).first_error == ("B", "hot")
    these = samples([0.5, 1.5], 0.01, outcome=[FIRST_ERROR, ANSWERED], errors=errors)
    assert gathered(these).first_error == ("A", "warm")
    assert gathered(these).failed == 0
