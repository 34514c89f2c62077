import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.capacity.simulation import simulate
from tests.loadtest.capacity.profiles import detect_like, single_stage

seeds = st.integers(0, 10_000)
few = settings(max_examples=25)


@few
@given(seed=seeds, rate=st.floats(5, 90), factor=st.floats(1.0, 2.0))
def test_a_higher_rate_never_makes_a_queue_faster(seed, rate, factor):
    slow, fast = (
        simulate(single_stage(10), rate_per_s=r, requests=300, seed=seed).latencies_ms for r in (rate, rate * factor)
    )
    assert (fast >= slow - 1e-6).all()


@few
@given(seed=seeds, rate=st.floats(5, 300), instances=st.integers(1, 4))
def test_one_more_instance_never_makes_a_request_wait_longer(seed, rate, instances):
    fewer, more = (
        simulate(single_stage(10, instances=n), rate_per_s=rate, requests=300, seed=seed).latencies_ms
        for n in (instances, instances + 1)
    )
    assert (more <= fewer + 1e-6).all()


@few
@given(seed=seeds, rate=st.floats(1, 60), cores=st.floats(1, 6), efficiency=st.floats(0.3, 1))
def test_requests_are_conserved_utilisation_is_a_share_and_nobody_beats_the_longest_path(seed, rate, cores, efficiency):
    simulated = simulate(detect_like(cores, efficiency), rate_per_s=rate, requests=200, seed=seed)
    assert simulated.count == 200
    assert simulated.latencies_ms.min() >= 4 + 15 + 6 + 2 - 1e-6
    assert 0 <= simulated.resources["cpu"] <= 1 + 1e-9
    for load in simulated.stages:
        assert 0 <= load.utilisation <= 1 + 1e-9
        assert load.mean_batch >= 1


@few
@given(seed=seeds, rate=st.floats(5, 45), efficiency=st.floats(0.3, 0.95))
def test_losing_part_of_the_cores_never_helps_on_average(seed, rate, efficiency):
    whole, part = (
        simulate(detect_like(2, e, max_batch=1), rate_per_s=rate, requests=300, seed=seed).latencies_ms.mean()
        for e in (1.0, efficiency)
    )
    assert part >= whole - 1e-6


@few
@given(seed=seeds, replicas=st.integers(1, 5))
def test_every_answer_comes_after_its_question(seed, replicas):
    simulated = simulate(detect_like(), rate_per_s=60, requests=300, seed=seed, replicas=replicas)
    assert np.isfinite(simulated.latencies_ms).all()
    assert simulated.throughput_per_s == pytest.approx(60, rel=0.8)
