import pytest

from loadtest.capacity.advice import advise
from loadtest.capacity.errors import PlanError
from loadtest.capacity.planning import Demand, make_plan
from loadtest.capacity.service_curve import ServiceCurve
from loadtest.capacity.simulation import simulate
from loadtest.capacity.sla import judge_simulation
from loadtest.results import Target
from tests.loadtest.capacity.profiles import detect_like, single_stage

P99 = (Target(percentile=99, limit_ms=150),)
THREE = {"eu": 0.5, "us": 0.3, "asia": 0.2}


def demand(rate_per_s=100.0, *, targets=P99, shares=None, **options):
    return Demand(rate_per_s=rate_per_s, targets=targets, region_shares=shares or {"all": 1.0}, **options)


def test_shares_and_headroom_give_each_region_its_rate():
    rates = demand(shares=THREE, headroom=0.2).design_rates()
    assert {name: rate for name, (rate, _) in rates.items()} == pytest.approx({"eu": 60, "us": 36, "asia": 24})


def test_each_region_takes_its_part_of_the_largest_other_one_that_is_lost():
    rates = demand(shares=THREE, survive_region_loss=True).design_rates()
    # Without eu, us and asia share all of it 3:2; without us, eu has 5 parts of 7.
    assert rates["us"] == (pytest.approx(60), "eu")
    assert rates["asia"] == (pytest.approx(40), "eu")
    assert rates["eu"] == (pytest.approx(500 / 7), "us")


def test_the_replicas_hold_the_sla_and_one_less_does_not():
    plan = make_plan(detect_like(cv=0.2), demand(200), seed=1, requests=4000)
    (region,) = plan.regions
    assert plan.is_feasible
    assert region.at_design_rate.verdict.holds
    fewer = simulate(detect_like(cv=0.2), rate_per_s=200, requests=4000, seed=1, replicas=region.replicas - 1)
    assert not judge_simulation(fewer, P99).holds


def test_pooling_needs_no_more_replicas_than_peaks_add_up_to():
    plan = make_plan(detect_like(cv=0.2), demand(400), seed=1, requests=4000)
    assert plan.replicas <= 400 / plan.peak.rate_per_s + 1
    assert plan.replicas >= 400 * 45 / 2000


def test_an_sla_below_the_unloaded_latency_is_said_to_be_so():
    plan = make_plan(detect_like(), demand(targets=(Target(percentile=99, limit_ms=20),)), seed=1, requests=2000)
    assert not plan.is_feasible
    assert plan.regions == ()
    assert "no number of replicas" in plan.reason
    assert "p99 is 27.0 ms, the SLA says 20 ms" in plan.reason


def test_more_replicas_than_allowed_is_not_feasible():
    plan = make_plan(detect_like(), demand(400), seed=1, max_replicas=2, requests=2000)
    assert not plan.is_feasible
    assert plan.regions[0].replicas == 2
    assert "all misses the SLA at 400/s with the 2 replicas that --max-replicas allows" in plan.reason


def test_a_small_rate_needs_one_replica_in_each_region():
    plan = make_plan(detect_like(), demand(1.0, shares=THREE), seed=1, requests=2000)
    assert [region.replicas for region in plan.regions] == [1, 1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate_per_s": 0}, "--qps"),
        ({"targets": ()}, "--sla"),
        ({"shares": {"eu": 0.5, "us": 0.4}}, "add up to 0.9"),
        ({"shares": {"eu": 1.0, "us": 0.0}}, "above 0"),
        ({"survive_region_loss": True}, "two regions"),
        ({"headroom": -0.1}, "--headroom"),
    ],
)
def test_questions_without_sense_are_refused(options, message):
    with pytest.raises(PlanError, match=message):
        demand(**options)


def test_advice_names_the_stage_that_holds_everything_back():
    profile = detect_like(cores=16, max_batch=1).with_stage("head_b", elapsed_ms=ServiceCurve(((1, 40.0),)))
    plan = make_plan(profile, demand(20), seed=1, requests=2000)
    advice = advise(profile, plan.peak, P99, seed=1)
    assert advice.changes[0].what == "head_b: instances 1 -> 2"
    assert advice.changes[0].ratio > 1.3
    assert "head_b's instances" in advice.bottleneck


def test_advice_names_the_cores_where_they_are_what_is_short():
    profile = detect_like(cores=1, max_batch=1)
    plan = make_plan(profile, demand(10), seed=1, requests=2000)
    changes = advise(profile, plan.peak, P99, seed=1).changes
    assert changes[0].what == "cpu: 1 -> 2"


def test_advice_says_where_batches_cost_more_than_their_images():
    dear = ServiceCurve(((1, 10.0), (2, 30.0), (8, 200.0)))
    profile = single_stage(1, curve=dear, max_batch=8)
    plan = make_plan(profile, demand(10), seed=1, requests=2000)
    what = [change.what for change in advise(profile, plan.peak, P99, seed=1).changes]
    assert "no dynamic batching in only" in what
