"""What holds a replica back, found by simulating it without: one thing changed at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.capacity.peak import PredictedPeak, predict_peak
from loadtest.capacity.service_profile import ServiceProfile
from loadtest.capacity.stage_profile import StageProfile
from loadtest.results import Target

WORTH_SAYING = 1.05
_REQUESTS = 4000
_BUSIEST = 2


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something that could be changed, and the peak of one replica with it."""

    what: str
    peak_per_s: float
    ratio: float
    """Over the peak as it is, found with equally many requests."""


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Changes by what they gain, the largest first; the first names the bottleneck."""

    bottleneck: str
    changes: tuple[Change, ...]


def advise(profile: ServiceProfile, peak: PredictedPeak, targets: Sequence[Target], *, seed: int) -> Advice:
    """Simulate a few changed profiles and compare their peaks.

    Args:
        profile: One replica.
        peak: Its peak, for which stages are the busiest.
        targets: The SLA.
        seed: Of every simulation.
    """
    base = predict_peak(profile, targets, seed=seed, requests=_REQUESTS).rate_per_s
    changes = []
    for what, changed in _candidates(profile, peak):
        rate = predict_peak(changed, targets, seed=seed, requests=_REQUESTS).rate_per_s
        changes.append(Change(what=what, peak_per_s=rate, ratio=rate / base if base else float("inf")))
    changes.sort(key=lambda change: -change.ratio)
    helpful = tuple(change for change in changes if change.ratio >= WORTH_SAYING and change.peak_per_s > 0)
    return Advice(bottleneck=_bottleneck(profile, peak), changes=helpful)


def _candidates(profile: ServiceProfile, peak: PredictedPeak) -> list[tuple[str, ServiceProfile]]:
    candidates = []
    for name, resource in profile.resources.items():
        if any(stage.resource == name for stage in profile.stages):
            twice = 2 * resource.capacity
            candidates.append(
                (f"{name}: {resource.capacity:g} -> {twice:g}", profile.with_resource(name, capacity=twice))
            )
    loads = {load.name: load for load in peak.at_peak.simulated.stages}
    limited = [stage for stage in profile.stages if stage.instances is not None]
    busiest = sorted(limited, key=lambda stage: -loads[stage.name].utilisation)[:_BUSIEST]
    for stage in busiest:
        more = (stage.instances or 0) + 1
        candidates.append(
            (f"{stage.name}: instances {stage.instances} -> {more}", profile.with_stage(stage.name, instances=more))
        )
    # A batch may cost more than its images one by one, and a config does not show it.
    dear = [stage for stage in limited if stage.max_batch > 1 and _batching_costs(stage)]
    if dear:
        changed = profile
        for stage in dear:
            changed = changed.with_stage(stage.name, max_batch=1, preferred_batch_sizes=())
        candidates.append((f"no dynamic batching in {', '.join(stage.name for stage in dear)}", changed))
    return candidates


def _batching_costs(stage: StageProfile) -> bool:
    return stage.work_ms(2) / 2 > stage.work_ms(1)


def _bottleneck(profile: ServiceProfile, peak: PredictedPeak) -> str:
    """Return the busiest of resources and stages at the peak, in words."""
    simulated = peak.at_peak.simulated
    busiest = max(
        (load for load in simulated.stages if load.utilisation == load.utilisation),
        key=lambda load: load.utilisation,
        default=None,
    )
    words = [f"{name} {100 * used:.0f} % busy" for name, used in simulated.resources.items() if used]
    if busiest is not None:
        words.append(f"{busiest.name}'s instances {100 * busiest.utilisation:.0f} % occupied")
    return ", ".join(words)
