"""How many replicas each region needs to hold the SLA."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtest.capacity.errors import PlanError
from loadtest.capacity.peak import REQUESTS, PredictedPeak, Step, enough_requests, predict_peak, saturation_rate
from loadtest.capacity.service_profile import ServiceProfile
from loadtest.capacity.simulation import Balancing, simulate
from loadtest.capacity.sla import give_ups, judge_simulation
from loadtest.results import Target


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What has to be held."""

    rate_per_s: float
    """Of all regions together."""
    targets: tuple[Target, ...]
    region_shares: Mapping[str, float]
    survive_region_loss: bool = False
    """Every region must be able to take its part of the largest other region's requests."""
    headroom: float = 0.0
    """0.2: replicas for 1.2 times the rate."""

    def __post_init__(self) -> None:
        if not self.rate_per_s > 0:
            raise PlanError(f"--qps must be above 0, got {self.rate_per_s}")
        if not self.targets:
            raise PlanError("a plan needs at least one --sla, for example p99=100ms")
        if not 0 <= self.headroom < math.inf:
            raise PlanError(f"--headroom must be 0 or more, got {self.headroom}")
        shares = self.region_shares
        if not shares or min(shares.values()) <= 0 or abs(sum(shares.values()) - 1) > 1e-6:
            raise PlanError(
                f"--regions needs shares above 0 which add up to 1, like eu=0.5,us=0.3,asia=0.2; got"
                f" {dict(shares)}, which add up to {sum(shares.values()):g}"
            )
        if self.survive_region_loss and len(shares) < 2:
            raise PlanError("--survive-region-loss needs two regions or more: name them with --regions eu=0.6,us=0.4")

    def design_rates(self) -> dict[str, tuple[float, str]]:
        """Return by region the rate that it must hold, and the lost region behind it ("" for none).

        A lost region's requests go to the others in proportion to their own shares.
        """
        rates = {}
        for region, share in self.region_shares.items():
            lost, left = "", 1.0
            if self.survive_region_loss:
                others = {name: other for name, other in self.region_shares.items() if name != region}
                lost = max(others, key=lambda name: others[name])
                left = 1.0 - others[lost]
            rates[region] = (self.rate_per_s * (1 + self.headroom) * share / left, lost)
        return rates


@dataclass(frozen=True, kw_only=True)
class RegionPlan:
    """One region."""

    name: str
    design_rate_per_s: float
    lost_region: str
    replicas: int
    at_design_rate: Step
    """The simulation of these replicas at that rate: holds, or with too few allowed replicas does not."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The answer."""

    demand: Demand
    peak: PredictedPeak
    """Of a single replica."""
    regions: tuple[RegionPlan, ...]
    """Empty where no number of replicas helps."""
    is_feasible: bool
    reason: str
    """Why it is not feasible; empty where it is."""

    @property
    def replicas(self) -> int:
        """Return how many there are in all regions."""
        return sum(region.replicas for region in self.regions)


def make_plan(
    profile: ServiceProfile,
    demand: Demand,
    *,
    seed: int,
    balancing: Balancing = "least_request",
    max_replicas: int | None = None,
    requests: int = REQUESTS,
) -> Plan:
    """Simulate until the smallest number of replicas is known that holds the SLA in each region.

    Args:
        profile: One replica.
        demand: What has to be held.
        seed: Of every simulation.
        balancing: How a region's requests find their replica.
        max_replicas: Of one region; None for as many as it takes.
        requests: In each simulation, at least.
    """
    if max_replicas is not None and max_replicas < 1:
        raise PlanError(f"--max-replicas must be 1 or more, got {max_replicas}")
    peak = predict_peak(profile, demand.targets, seed=seed, requests=requests)
    if peak.rate_per_s == 0:
        return Plan(
            demand=demand, peak=peak, regions=(), is_feasible=False, reason=_idle_is_too_slow(peak, demand.targets)
        )
    searched: dict[float, tuple[int, Step]] = {}  # regions of equal shares need one search
    regions = []
    reasons = []
    for name, (rate, lost) in demand.design_rates().items():
        if rate not in searched:
            attempt = _Attempt(profile, demand.targets, rate, balancing, seed, requests)
            searched[rate] = _fewest(attempt, peak, max_replicas)
        count, step = searched[rate]
        if not step.verdict.holds:
            reasons.append(
                f"{name} misses the SLA at {rate:.4g}/s with the {count} replicas that --max-replicas allows"
            )
        regions.append(
            RegionPlan(name=name, design_rate_per_s=rate, lost_region=lost, replicas=count, at_design_rate=step)
        )
    return Plan(
        demand=demand,
        peak=peak,
        regions=tuple(regions),
        is_feasible=not reasons,
        reason="; ".join(reasons),
    )


@dataclass(frozen=True)
class _Attempt:
    """Simulates one region with some number of replicas."""

    profile: ServiceProfile
    targets: tuple[Target, ...]
    rate_per_s: float
    balancing: Balancing
    seed: int
    requests: int

    def __call__(self, replicas: int) -> Step:
        requests = enough_requests(self.targets, self.requests, replicas)
        simulated = simulate(
            self.profile,
            rate_per_s=self.rate_per_s,
            requests=requests,
            seed=self.seed,
            replicas=replicas,
            balancing=self.balancing,
            give_up=give_ups(self.targets, requests),
        )
        return Step(rate_per_s=self.rate_per_s, simulated=simulated, verdict=judge_simulation(simulated, self.targets))


def _fewest(attempt: _Attempt, peak: PredictedPeak, max_replicas: int | None) -> tuple[int, Step]:
    """Bisect between a number that cannot hold the rate and one that does."""
    limit = max_replicas or 10**6
    too_few = math.ceil(attempt.rate_per_s / saturation_rate(attempt.profile)) - 1
    enough = max(1, math.ceil(attempt.rate_per_s / peak.rate_per_s))
    if min(enough, limit) <= too_few:
        return limit, attempt(limit)
    enough = min(enough, limit)
    step = attempt(enough)
    while not step.verdict.holds:  # a balancer shares unevenly, so that n replicas may hold less than n peaks
        if enough >= limit:
            return enough, step
        too_few, enough = enough, min(limit, enough + max(1, enough // 10))
        step = attempt(enough)
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        tried = attempt(middle)
        if tried.verdict.holds:
            enough, step = middle, tried
        else:
            too_few = middle
    return enough, step


def _idle_is_too_slow(peak: PredictedPeak, targets: Sequence[Target]) -> str:
    measured = peak.at_peak.verdict.percentiles_ms
    missed = [
        f"{target.name} is {measured[target.name]:.1f} ms, the SLA says {target.limit_ms:g} ms"
        for target in targets
        if not measured[target.name] <= target.limit_ms
    ]
    return (
        "no number of replicas holds this SLA: already for single requests on an idle replica "
        + ("; ".join(missed) or "too many are near the limit")
        + ". Allow more time, or make the stages themselves faster"
    )
