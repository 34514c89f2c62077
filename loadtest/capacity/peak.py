"""The highest rate that a simulated deployment holds, by bisecting, as `find-peak` does with a real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.capacity.errors import PlanError
from loadtest.capacity.service_profile import ServiceProfile
from loadtest.capacity.simulation import Balancing, Simulated, simulate
from loadtest.capacity.sla import SimulatedVerdict, give_ups, judge_simulation
from loadtest.capacity.stage_profile import OWN_DEVICE
from loadtest.early_stopping import required_samples
from loadtest.results import Target

REQUESTS = 10_000
RESOLUTION = 0.02
_IDLE_SHARE = 0.0005


@dataclass(frozen=True, kw_only=True)
class Step:
    """One rate that was simulated."""

    rate_per_s: float
    simulated: Simulated
    verdict: SimulatedVerdict


@dataclass(frozen=True, kw_only=True)
class PredictedPeak:
    """The highest rate that holds the targets."""

    rate_per_s: float
    """0: not even single requests on an idle deployment are fast enough."""
    at_peak: Step
    """The step at that rate; with 0, the one on the idle deployment."""
    steps: tuple[Step, ...]
    """All that were simulated, by rate."""


def saturation_rate(profile: ServiceProfile, *, replicas: int = 1) -> float:
    """Return requests per second that no deployment of the profile can exceed: its scarcest resource all busy.

    Every stage is taken at its cheapest batch size.
    """
    needs = {name: 0.0 for name in profile.resources}  # ms of the whole resource per request
    slowest = 1e-9
    for stage in profile.stages:
        sizes = range(1, stage.max_batch + 1)
        if stage.resource != OWN_DEVICE:
            per_item = min(stage.work_ms(size) / size for size in sizes)
            needs[stage.resource] += per_item / profile.resources[stage.resource].capacity
        if stage.instances is not None:
            slowest = max(slowest, min(stage.elapsed_ms(size) / size for size in sizes) / stage.instances)
    return 1e3 * replicas / max(slowest, *needs.values(), 1e-9)


def predict_peak(
    profile: ServiceProfile,
    targets: Sequence[Target],
    *,
    seed: int,
    replicas: int = 1,
    balancing: Balancing = "least_request",
    requests: int = REQUESTS,
    resolution: float = RESOLUTION,
    step_s: float | None = None,
) -> PredictedPeak:
    """Search the highest rate that holds all targets.

    Args:
        profile: One replica.
        targets: The SLA.
        seed: Of every step.
        replicas: How many there are.
        balancing: How requests find theirs.
        requests: In each step, more where a target needs more for a verdict.
        resolution: The peak is known to this part of itself.
        step_s: To predict what a search with steps of this length finds: its verdicts are those of few samples.

    Raises:
        PlanError: There are no targets.
    """
    if not targets:
        raise PlanError("a peak needs a target, for example p99=100ms")
    requests = enough_requests(targets, requests, replicas)
    steps: list[Step] = []

    def try_rate(rate_per_s: float) -> Step:
        samples = max(1, round(rate_per_s * step_s)) if step_s else None
        simulated = simulate(
            profile,
            rate_per_s=rate_per_s,
            requests=requests,
            seed=seed,
            replicas=replicas,
            balancing=balancing,
            give_up=give_ups(targets, requests),
        )
        step = Step(
            rate_per_s=rate_per_s,
            simulated=simulated,
            verdict=judge_simulation(simulated, targets, samples_of_a_run=samples),
        )
        steps.append(step)
        return step

    saturation = saturation_rate(profile, replicas=replicas)
    idle = simulate(profile, rate_per_s=_IDLE_SHARE * saturation, requests=requests, seed=seed, replicas=replicas)
    best = Step(rate_per_s=_IDLE_SHARE * saturation, simulated=idle, verdict=judge_simulation(idle, targets))
    steps.append(best)
    if not best.verdict.holds:
        return PredictedPeak(rate_per_s=0.0, at_peak=best, steps=tuple(steps))
    low, high = best.rate_per_s, saturation
    rate = saturation / 2
    while high - low > resolution * high:
        step = try_rate(rate)
        if step.verdict.holds:
            low, best = rate, step
        else:
            high = rate
        rate = (low + high) / 2
    return PredictedPeak(rate_per_s=low, at_peak=best, steps=tuple(sorted(steps, key=lambda step: step.rate_per_s)))


def enough_requests(targets: Sequence[Target], requests: int, replicas: int) -> int:
    """Return how many requests a step needs: for a verdict on every target, and for every replica to settle."""
    for_a_verdict = max(required_samples(over=20, percentile=target.percentile) for target in targets)
    return max(requests, for_a_verdict, 300 * replicas)
