from typing import Any

import pytest

from loadtest.locust_users.closed_loop_verdict import decide_closed_loop
from loadtest.locust_users.exact_latencies import ExactLatencies
from loadtest.results import Target

P99 = (Target(percentile=99.0, limit_ms=100.0),)


def verdict_of(latencies_ms, *, failures=0, **changes):
    latencies = ExactLatencies()
    for latency_ms in latencies_ms:
        latencies.record(latency_ms)
    for _ in range(failures):
        latencies.record_error("UnavailableError", "gone", 3.0)
    settings: dict[str, Any] = {"sla": P99, "max_error_rate": 0.0, "judged_s": 60.0, "asked_for": None}
    return decide_closed_loop(latencies, **settings | changes)


@pytest.mark.parametrize(
    ("latencies_ms", "failures", "name"),
    [
        ([99.6] * 459, 0, "PASS"),
        ([99.6] * 458, 0, "INCONCLUSIVE"),
        ([104.9] * 459, 0, "SLA_MISSED"),
        ([99.6] * 459, 1, "SERVER_ERRORS"),
        ([], 5, "SERVER_ERRORS"),
        ([], 0, "INCONCLUSIVE"),
    ],
)
def test_the_rules_are_those_of_the_open_loop(latencies_ms, failures, name):
    assert verdict_of(latencies_ms, failures=failures).name == name


def test_users_who_sent_too_little_prove_nothing_good_and_a_miss_stays_a_miss():
    assert verdict_of([50.0] * 900, asked_for=1000).name == "GENERATOR_LIMITED"
    assert verdict_of([50.0] * 960, asked_for=1000).name == "PASS"
    assert verdict_of([500.0] * 900, asked_for=1000).name == "SLA_MISSED"
