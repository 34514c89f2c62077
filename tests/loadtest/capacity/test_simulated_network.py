"""Hand-made cases of a graph with branches, batches and refusals."""

import numpy as np
import pytest

from loadtest.capacity.service_curve import ServiceCurve
from loadtest.capacity.service_profile import ServiceProfile
from loadtest.capacity.shared_resource import ResourceProfile
from loadtest.capacity.simulation import GiveUp, simulate, simulate_callers
from tests.loadtest.capacity.profiles import detect_like, single_stage, stage

RARELY = 0.05  # requests per second: none meets another


def latencies(profile, *, rate_per_s=RARELY, requests=50, **options):
    return simulate(profile, rate_per_s=rate_per_s, requests=requests, seed=1, **options).latencies_ms


def test_with_cores_enough_a_request_takes_its_longest_path():
    assert latencies(detect_like(cores=8)) == pytest.approx(4 + 15 + 6 + 2)


def test_branches_on_one_core_take_turns():
    # The backbone wants 28/15 cores of one: 28 ms. The heads share the core: 6 + 5 until both are done.
    assert latencies(detect_like(cores=1)) == pytest.approx(4 + 28 + 11 + 2)


def test_the_join_waits_for_the_slower_branch_whichever_it_is():
    slow = detect_like(cores=8).with_stage("head_b", elapsed_ms=ServiceCurve(((1, 50.0),)))
    assert latencies(slow) == pytest.approx(4 + 15 + 50 + 2)


def test_a_server_for_batches_of_b_serves_b_times_the_rate():
    """Saturated, every batch is full: fixed 10 ms + 1 ms an item, 8 at a time."""
    curve = ServiceCurve.affine(fixed_ms=10, per_item_ms=1)
    profile = single_stage(1, curve=curve, max_batch=8)
    saturated = simulate_callers(profile, callers=64, requests=4000, seed=1)
    assert saturated.throughput_per_s == pytest.approx(8 / 18 * 1e3, rel=0.01)
    assert saturated.stages[0].mean_batch == pytest.approx(8, rel=0.01)
    assert saturated.stages[0].utilisation == pytest.approx(1, rel=0.01)


def test_two_shapes_in_random_order_halve_the_batches():
    curve = ServiceCurve.affine(fixed_ms=10, per_item_ms=1)
    profile = ServiceProfile(
        stages=(stage("only", 1, curve=curve, max_batch=64, resource="own"),), resources={}, shape_shares=(0.5, 0.5)
    )
    # Runs of equal shape in a fair random order have a mean length of 2.
    mean_batch = simulate_callers(profile, callers=64, requests=20_000, seed=1).stages[0].mean_batch
    assert mean_batch == pytest.approx(2, rel=0.05)


def test_a_closed_loop_of_one_caller_gets_one_answer_per_service_time():
    assert simulate_callers(single_stage(10), callers=1, requests=200, seed=1).throughput_per_s == pytest.approx(100)


def test_a_full_queue_refuses_what_is_too_much_and_serves_the_rest():
    profile = single_stage(10, max_queue_size=5)
    simulated = simulate(profile, rate_per_s=200, requests=5000, seed=1)
    assert simulated.count == 5000
    assert simulated.refused == pytest.approx(2500, rel=0.1)
    assert simulated.latencies_ms.max() <= 60 + 1e-6  # five before it, and itself


def test_a_queue_timeout_bounds_the_wait():
    profile = single_stage(10, queue_timeout_ms=40)
    simulated = simulate(profile, rate_per_s=200, requests=5000, seed=1)
    assert simulated.latencies_ms.max() <= 50 + 1e-6
    assert simulated.refused > 1000


def test_a_request_refused_in_a_branch_counts_once_and_holds_up_nobody():
    profile = detect_like(cores=8, max_batch=1)
    for head in ("head_a", "head_b"):
        profile = profile.with_stage(head, elapsed_ms=ServiceCurve(((1, 40.0),)), max_queue_size=2)
    simulated = simulate(profile, rate_per_s=60, requests=2000, seed=1)
    assert simulated.count == 2000
    assert simulated.refused > 500


def test_a_queue_delay_gathers_a_batch():
    profile = single_stage(1, curve=ServiceCurve.affine(fixed_ms=5, per_item_ms=0), max_batch=4, max_queue_delay_ms=20)
    assert latencies(profile) == pytest.approx(25)  # alone: waits for company in vain
    crowded = simulate(profile, rate_per_s=1000, requests=2000, seed=1)
    assert crowded.stages[0].mean_batch > 3.5


def test_the_same_seed_gives_the_same_outcome_and_another_seed_another():
    profile = detect_like(cv=0.3)
    first, again = (latencies(profile, rate_per_s=30, requests=500) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = simulate(profile, rate_per_s=30, requests=500, seed=2).latencies_ms
    assert not np.array_equal(first, other)


def test_least_request_waits_less_than_round_robin_where_service_times_differ():
    profile = single_stage(10, cv=2.0)
    options = {"rate_per_s": 600, "requests": 20_000, "replicas": 8}
    balanced = latencies(profile, balancing="least_request", **options)
    in_turn = latencies(profile, balancing="round_robin", **options)
    assert balanced.mean() < in_turn.mean()


def test_replicas_have_cores_of_their_own():
    one = simulate(detect_like(), rate_per_s=20, requests=3000, seed=1)
    four = simulate(detect_like(), rate_per_s=80, requests=3000, seed=1, replicas=4, balancing="round_robin")
    assert four.resources["cpu"] == pytest.approx(one.resources["cpu"], rel=0.1)


def test_a_gpu_is_a_resource_beside_the_cores():
    profile = ServiceProfile(
        stages=(stage("decode", 4), stage("a", 10, resource="gpu", instances=2, after=("decode",))),
        resources={"cpu": ResourceProfile(capacity=1), "gpu": ResourceProfile(capacity=1)},
    )
    saturated = simulate_callers(profile, callers=8, requests=2000, seed=1)
    assert saturated.throughput_per_s == pytest.approx(100, rel=0.02)
    assert saturated.resources == pytest.approx({"cpu": 0.4, "gpu": 1.0}, rel=0.05)


def test_a_hopeless_simulation_ends_early():
    simulated = simulate(
        single_stage(10), rate_per_s=500, requests=50_000, seed=1, give_up=(GiveUp(limit_ms=100, allowed=500),)
    )
    assert simulated.gave_up
    assert simulated.count < 5000
