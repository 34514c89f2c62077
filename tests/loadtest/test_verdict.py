"""Which verdict, and that it says what was measured and what to change."""

import math

import pytest

from loadtest.results import Target
from loadtest.verdict import decide
from tests.loadtest.evidences import evidence

P99 = Target(percentile=99, limit_ms=100)
P50 = Target(percentile=50, limit_ms=20)


def verdict(found, *sla, max_error_rate=0.0, bottleneck=None):
    return decide(found, sla=sla or (P99,), max_error_rate=max_error_rate, bottleneck=bottleneck)


def test_enough_fast_samples_pass():
    passed = verdict(evidence([10.0] * 459))
    assert (passed.code, passed.name) == (0, "PASS")
    assert passed.line.startswith("PASS: p99 10 ms <= 100 ms at 50 requests/s (459 samples, 0 over the limit).")


def test_one_sample_less_is_inconclusive():
    unknown = verdict(evidence([10.0] * 458))
    assert (unknown.code, unknown.name) == (2, "INCONCLUSIVE")
    assert "458 samples" in unknown.line
    assert "about 459 would decide. Run about 1 s longer." in unknown.line


def test_p99_from_400_samples_never_passes():
    assert verdict(evidence([1.0] * 400)).name == "INCONCLUSIVE"


def test_a_percentile_clearly_over_the_limit_is_missed():
    missed = verdict(evidence([10.0] * 550 + [150.0] * 50), bottleneck="computing backbone (60 ms of 70 ms)")
    assert (missed.code, missed.name) == (1, "SLA_MISSED")
    assert "p99 150 ms > 100 ms" in missed.line
    assert "50 over the limit" in missed.line
    assert "Most of the time goes to computing backbone" in missed.line


def test_a_percentile_barely_over_the_limit_is_inconclusive():
    unknown = verdict(evidence([10.0] * 593 + [150.0] * 7))
    assert unknown.name == "INCONCLUSIVE"
    assert "p99 150 ms > 100 ms" in unknown.line


def test_a_percentile_at_the_limit_says_that_no_run_decides():
    unknown = verdict(evidence([10.0] * 990 + [150.0] * 10))
    assert unknown.name == "INCONCLUSIVE"
    assert "no run decides" in unknown.line


def test_all_limits_must_hold():
    both = evidence([30.0] * 600)
    assert verdict(both, P99).name == "PASS"
    missed = verdict(both, P99, P50)
    assert missed.name == "SLA_MISSED"
    assert "p50 30 ms > 20 ms" in missed.line
    assert len(missed.details) == 3


def test_a_failed_request_is_over_every_limit():
    """Else a server could hold any limit by failing whoever would have waited."""
    failing = evidence([10.0] * 990 + [math.inf] * 30, failed=30, first_error=("ServerError", "no"))
    found = verdict(failing, max_error_rate=0.1)
    assert found.name == "SLA_MISSED"
    assert "p99 never came > 100 ms" in found.line


def test_more_errors_than_allowed_are_server_errors_with_the_first_quoted():
    found = verdict(
        evidence(
            [10.0] * 990 + [math.inf] * 10,
            failed=10,
            first_error=("ServerError", "out of\nmemory."),
            first_error_at_s=3.21,
        )
    )
    assert (found.code, found.name) == (4, "SERVER_ERRORS")
    assert "10 of 1,000 requests failed (1 %, 0 % may)" in found.line
    assert "First after 3.2 s: ServerError: out of memory. Look" in found.line
    assert "\n" not in found.line


def test_an_unreachable_server_is_a_server_error():
    found = verdict(evidence([], unreachable=("UnavailableError", "refused"), judged_s=0))
    assert found.code == 4
    assert "0 samples. UnavailableError: refused." in found.line


def test_late_sending_is_the_generators_fault_beyond_one_percent():
    assert verdict(evidence([10.0] * 1000, late=10)).name == "PASS"
    found = verdict(evidence([10.0] * 1000, late=11, lag_p99_ms=1.7))
    assert (found.code, found.name) == (3, "GENERATOR_LIMITED")
    assert "1.1 % of the requests were sent more than 1 ms late" in found.line
    assert "not to be trusted; 1,000 samples" in found.line


def test_a_late_generator_neither_passes_nor_misses():
    assert verdict(evidence([500.0] * 1000, late=500)).name == "GENERATOR_LIMITED"


def test_requests_without_room_are_the_generators_fault():
    found = verdict(evidence([10.0] * 900 + [math.inf] * 100, not_sent=100, late=100))
    assert found.name == "GENERATOR_LIMITED"
    assert "--max-in-flight" in found.line


def test_errors_of_the_server_come_before_a_late_generator():
    found = evidence([10.0] * 900 + [math.inf] * 100, failed=100, late=500, first_error=("UnavailableError", "gone"))
    assert verdict(found).name == "SERVER_ERRORS"


def test_a_dead_worker_is_the_generators_fault():
    assert verdict(evidence([10.0] * 1000, stopped="worker_died")).name == "GENERATOR_LIMITED"


@pytest.mark.parametrize(
    ("latencies_ms", "name"),
    [
        ([10.0] * 1000, "INCONCLUSIVE"),
        ([10.0] * 100, "INCONCLUSIVE"),
        ([500.0] * 1000, "SLA_MISSED"),
        ([], "INCONCLUSIVE"),
    ],
)
def test_an_interrupted_run_never_passes(latencies_ms, name):
    found = verdict(evidence(latencies_ms, stopped="interrupted"))
    assert found.name == name
    assert found.interrupted
    assert found.line.startswith(f"{name}: interrupted; ")


def test_a_load_that_was_given_up_is_a_server_error_whatever_may_fail():
    found = verdict(
        evidence([10.0] * 1000, stopped="no_answers", first_error=("UnavailableError", "gone")), max_error_rate=1.0
    )
    assert found.name == "SERVER_ERRORS"
