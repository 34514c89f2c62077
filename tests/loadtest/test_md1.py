"""What is measured against what must be: M/D/1 on paper, and a server that stands still."""

import numpy as np
import pytest

from loadtest.arrivals import RateLine, poisson_arrivals
from loadtest.fake_server import FakeServer, FakeServerOptions
from tests.loadtest.driven import drive_quietly, load_of
from tests.loadtest.md1 import answers_one_by_one, share_and_error, sojourn_quantile, waiting_time_cdf

pytestmark = pytest.mark.quiet

SERVICE_S = 0.01
RATE_PER_S = 50.0  # the server is busy half of the time
QUANTILES = (0.5, 0.9, 0.95, 0.99)

# Two-sided 99.9 % of the normal distribution.
Z = 3.29


def poisson(rate_per_s, duration_s, seed):
    lines = (RateLine(duration_s=duration_s, start_per_s=rate_per_s, end_per_s=rate_per_s),)
    return poisson_arrivals(lines, np.random.default_rng(seed))


def busy_period_starts(arrivals_s, done_s):
    return np.concatenate([[True], arrivals_s[1:] >= done_s[:-1]])


def test_the_formula_has_the_known_mean():
    """Pollaczek-Khinchine: mean wait = rho * D / (2 * (1 - rho))."""
    grid, step = np.linspace(0, 25 * SERVICE_S, 1001, retstep=True)
    tail = [1 - waiting_time_cdf(x, rate_per_s=RATE_PER_S, service_s=SERVICE_S) for x in grid]
    rho = RATE_PER_S * SERVICE_S
    mean_s = sum(tail[1:-1]) * step + (tail[0] + tail[-1]) / 2 * step
    assert mean_s == pytest.approx(rho * SERVICE_S / (2 * (1 - rho)), rel=1e-3)


@pytest.mark.parametrize("rho", [0.3, 0.5, 0.8])
def test_our_arrivals_through_a_plain_queue_give_the_percentiles_of_the_formula(rho):
    arrivals_s = poisson(rho / SERVICE_S, 200_000 * SERVICE_S, seed=7)
    done_s = answers_one_by_one(arrivals_s, SERVICE_S)
    starts = busy_period_starts(arrivals_s, done_s)
    for quantile in QUANTILES:
        limit_s = sojourn_quantile(quantile, rate_per_s=rho / SERVICE_S, service_s=SERVICE_S)
        # A hair, because P(W = 0) = 1 - rho: many requests take exactly the service time.
        share, error = share_and_error(done_s - arrivals_s > limit_s + 1e-9, starts)
        assert share <= 1 - quantile + Z * error
        if limit_s > SERVICE_S + 1e-6:
            assert share >= 1 - quantile - Z * error


@pytest.fixture(scope="module", params=["http", "grpc"])
def measured(request):
    """700 requests at half load over HTTP, fewer over gRPC, and what the server's queue makes of their schedule."""
    duration_s = {"http": 14, "grpc": 6}[request.param]
    arrivals_s = poisson(RATE_PER_S, duration_s, seed=11)
    with FakeServer(FakeServerOptions(service_ms=1e3 * SERVICE_S, grpc_port=0)) as server:
        samples = drive_quietly(load_of(getattr(server, f"{request.param}_url"), arrivals_s))
    assert samples.is_answered.all()
    return samples, answers_one_by_one(arrivals_s, SERVICE_S)


def test_each_latency_is_that_of_the_queue_and_a_little_for_the_way(measured):
    samples, done_s = measured
    extra_ms = samples.latency_ms - 1e3 * (done_s - samples.scheduled_s)
    assert samples.latency_ms.min() > 1e3 * SERVICE_S - 0.5  # latency counts from the scheduled time
    # Requests at nearly the same time may overtake each other on their way, one in twenty at the very most.
    assert np.percentile(extra_ms, 5) > -0.5
    assert np.median(extra_ms) < 5  # a generous bound for a busy machine; some tenths on a quiet one


def test_measured_percentiles_are_those_of_theory_within_99_9_percent_confidence(measured):
    samples, done_s = measured
    starts = busy_period_starts(samples.scheduled_s, done_s)
    # What the machine adds to the queue, which theory knows nothing of: the paths through loops, kernel and processes.
    extra_s = (samples.done_s - done_s).clip(min=0)
    machine_s = np.percentile(extra_s, 90)
    latency_s = samples.done_s - samples.scheduled_s
    for quantile in QUANTILES:
        limit_s = sojourn_quantile(quantile, rate_per_s=RATE_PER_S, service_s=SERVICE_S)
        above, error = share_and_error(latency_s > limit_s, starts)
        assert above >= 1 - quantile - Z * error, quantile
        above, error = share_and_error(latency_s - extra_s.clip(max=machine_s) > limit_s + 1e-3, starts)
        assert above <= 1 - quantile + Z * max(error, 1 / len(latency_s)), quantile


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_stall_of_one_second_is_charged_to_everybody_who_would_have_come_meanwhile(protocol):
    """Latency from the scheduled time; a generator that waits for answers would see one slow request in 600."""
    arrivals_s = poisson(100.0, 6.0, seed=5)
    stalled = int(np.searchsorted(arrivals_s, 2.5))
    service_s, stall_s = 0.001, 1.0
    # The probe before the load is the server's first request.
    options = FakeServerOptions(service_ms=1e3 * service_s, stall_after=stalled + 1, stall_s=stall_s, grpc_port=0)
    with FakeServer(options) as server:
        samples = drive_quietly(load_of(getattr(server, f"{protocol}_url"), arrivals_s))
    expected_s = answers_one_by_one(arrivals_s, service_s, stall_before=stalled, stall_s=stall_s) - arrivals_s
    without_s = answers_one_by_one(arrivals_s, service_s) - arrivals_s
    measured_p99, expected_p99, without_p99 = (
        np.percentile(latencies_s, 99) for latencies_s in (samples.latency_ms / 1e3, expected_s, without_s)
    )
    assert without_p99 < 0.01
    assert expected_p99 > 0.8  # of the 100 who came in that second, 6 are the slowest percent of all 600
    assert measured_p99 == pytest.approx(expected_p99, abs=0.1)
    # Not only the percentile: the whole ramp of those who wait.
    waiting = expected_s > 0.1
    assert waiting.sum() > 70
    assert np.median(np.abs(samples.latency_ms[waiting] / 1e3 - expected_s[waiting])) < 0.05
    # The generator went on sending all the while.
    assert np.percentile(samples.lag_ms, 90) < 50
