import json

import pytest

from loadtest.locust_users.exact_latencies import ExactLatencies


def recorded(*latencies_ms):
    latencies = ExactLatencies()
    for latency_ms in latencies_ms:
        latencies.record(latency_ms)
    return latencies


def test_latencies_on_either_side_of_a_limit_stay_on_their_side():
    # Locust itself rounds each of these to 100.
    assert recorded(99.6, 100.0, 104.9).milliseconds().tolist() == [99.6, 100.0, 104.9]


def test_percentiles_are_those_of_all_samples():
    summary = recorded(*(float(value) for value in range(1, 1001))).summary((99.5,))
    assert (summary.count, summary.percentiles["50"], summary.percentiles["99"]) == (1000, 500.0, 990.0)
    assert summary.percentiles["99.5"] == 995.0
    assert summary.mean_ms == pytest.approx(500.5)


def test_what_workers_report_piece_by_piece_adds_up():
    master, worker = ExactLatencies(), recorded(1.0, 2.0)
    worker.record_error("UnavailableError", "later", 5.0)
    for _ in range(2):
        master.merge(ExactLatencies.from_message(json.loads(json.dumps(worker.take().to_message()))))
        worker.record(2.0)
        worker.record_error("UnavailableError", "earlier", 4.0)
        worker.ignored += 1
    assert master.milliseconds().tolist() == [1.0, 2.0, 2.0]
    assert master.errors["UnavailableError"].count == 2
    assert master.errors["UnavailableError"].message == "earlier"
    assert (master.answered, master.failed, master.ignored) == (3, 2, 1)
    assert worker.answered == 1  # not yet reported
