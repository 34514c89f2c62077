"""Against queues whose answer is known: theory must lie within four standard errors, which several seeds give."""

import math

import numpy as np
import pytest

from loadtest.capacity.service_profile import ServiceProfile
from loadtest.capacity.shared_resource import ResourceProfile
from loadtest.capacity.simulation import simulate
from tests.loadtest.capacity.md_c import MDc
from tests.loadtest.capacity.profiles import single_stage, stage

SEEDS = range(10)
REQUESTS = 20_000
STANDARD_ERRORS = 4


def runs(profile, *, rate_per_s):
    for seed in SEEDS:
        yield simulate(profile, rate_per_s=rate_per_s, requests=REQUESTS, seed=seed).latencies_ms


def assert_agrees(estimates, expected):
    error = np.std(estimates, ddof=1) / math.sqrt(len(estimates))
    assert np.mean(estimates) == pytest.approx(expected, abs=STANDARD_ERRORS * error)
    assert error < 0.05 * expected, "too noisy to prove anything"


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (1, 0.8), (4, 0.8)])
def test_m_d_c_waits_as_the_embedded_chain_says(servers, load):
    rate = 1e3 * load * servers / 10
    queue = MDc(rate_per_s=rate, service_ms=10, servers=servers)
    waits = [latencies - 10 for latencies in runs(single_stage(10, instances=servers), rate_per_s=rate)]
    assert_agrees([w.mean() for w in waits], queue.mean_wait_ms)
    assert_agrees([np.percentile(w, 99) for w in waits], queue.wait_percentile_ms(99))


def test_the_embedded_chain_gives_pollaczek_khinchine_for_one_server():
    assert MDc(rate_per_s=80, service_ms=10, servers=1).mean_wait_ms == pytest.approx(0.8 * 10 / (2 * 0.2), rel=1e-6)


def test_m_m_1_takes_exponential_time():
    profile = single_stage(10, cv=1.0, distribution="gamma")
    latencies = list(runs(profile, rate_per_s=70))
    assert_agrees([x.mean() for x in latencies], 10 / 0.3)
    assert_agrees([np.percentile(x, 99) for x in latencies], math.log(100) * 10 / 0.3)


@pytest.mark.parametrize("cv", [0.0, 1.5])
def test_processor_sharing_depends_on_the_mean_service_time_alone(cv):
    profile = ServiceProfile(
        stages=(stage("only", 10, instances=None, cv=cv),), resources={"cpu": ResourceProfile(capacity=1)}
    )
    assert_agrees([x.mean() for x in runs(profile, rate_per_s=60)], 10 / (1 - 0.6))


def test_a_lognormal_service_time_waits_as_pollaczek_khinchine_says():
    cv, load = 0.8, 0.6
    waits = [x.mean() - 10 for x in runs(single_stage(10, cv=cv), rate_per_s=60)]
    assert_agrees(waits, load * 10 * (1 + cv**2) / (2 * (1 - load)))


def test_two_stages_in_a_row_add_up_where_the_first_is_exponential():
    """Burke: what leaves M/M/1 is Poisson again."""
    profile = ServiceProfile(
        stages=(
            stage("first", 10, resource="own", cv=1.0, distribution="gamma"),
            stage("second", 8, resource="own", cv=1.0, distribution="gamma", after=("first",)),
        ),
        resources={},
    )
    assert_agrees([x.mean() for x in runs(profile, rate_per_s=50)], 10 / 0.5 + 8 / 0.6)
