"""A plan as tables for people, and as JSON for programs."""

from __future__ import annotations

import math
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtest.capacity.advice import Advice
from loadtest.capacity.peak import Step
from loadtest.capacity.planning import Plan
from loadtest.capacity.service_profile import ServiceProfile


def print_plan(plan: Plan, profile: ServiceProfile, advice: Advice | None, console: Console) -> None:
    """Print the tables and, as the last line, the answer."""
    targets = plan.demand.targets
    if plan.regions:
        table = Table("region", "must hold", "replicas", *(target.name for target in targets), "utilisation")
        for region in plan.regions:
            behind = f" without {region.lost_region}" if region.lost_region else ""
            table.add_row(
                region.name,
                f"{region.design_rate_per_s:.4g}/s{behind}",
                str(region.replicas),
                *(_ms(region.at_design_rate.verdict.percentiles_ms[target.name]) for target in targets),
                ", ".join(f"{k} {100 * v:.0f} %" for k, v in region.at_design_rate.simulated.resources.items()),
            )
        console.print(table)
    table = Table("stage", "instances", "occupied", "mean batch", "mean wait", title="one replica at its peak")
    for stage, load in zip(profile.stages, plan.peak.at_peak.simulated.stages, strict=True):
        table.add_row(
            stage.name,
            "" if stage.instances is None else str(stage.instances),
            "" if math.isnan(load.utilisation) else f"{100 * load.utilisation:.0f} %",
            f"{load.mean_batch:.2f}",
            _ms(load.queue_ms),
        )
    console.print(table)
    if advice is not None:
        console.print(f"at its peak: {advice.bottleneck}", markup=False, highlight=False)
        for change in advice.changes:
            line = f"would help: {change.what}: {change.peak_per_s:.4g}/s a replica, {change.ratio:.2f} times the peak"
            console.print(line, markup=False, highlight=False)
    # Not through rich: a program may read this line.
    print(answer(plan), flush=True)


def answer(plan: Plan) -> str:
    """Return the answer in one line."""
    sla = ", ".join(str(target) for target in plan.demand.targets)
    if not plan.is_feasible:
        return f"NOT FEASIBLE: {plan.reason}."
    regions = ", ".join(f"{region.name} {region.replicas}" for region in plan.regions)
    return (
        f"FEASIBLE: {plan.replicas} replicas ({regions}) hold {sla} at {plan.demand.rate_per_s:g}/s; one replica holds"
        f" {plan.peak.rate_per_s:.4g}/s."
    )


def plan_json(plan: Plan, profile: ServiceProfile, advice: Advice | None) -> dict[str, Any]:
    """Return everything that was found, JSON's types only."""
    demand = plan.demand
    return {
        "format": "genod capacity plan",
        "is_feasible": plan.is_feasible,
        "answer": answer(plan),
        "rate_per_s": demand.rate_per_s,
        "sla": [{"percentile": target.percentile, "limit_ms": target.limit_ms} for target in demand.targets],
        "headroom": demand.headroom,
        "survive_region_loss": demand.survive_region_loss,
        "replicas": plan.replicas,
        "regions": [
            {
                "name": region.name,
                "share": demand.region_shares[region.name],
                "design_rate_per_s": region.design_rate_per_s,
                "lost_region": region.lost_region or None,
                "replicas": region.replicas,
                **_step(region.at_design_rate),
            }
            for region in plan.regions
        ],
        "replica_peak_per_s": plan.peak.rate_per_s,
        "curve": [_step(step) for step in plan.peak.steps],
        "bottleneck": advice.bottleneck if advice else None,
        "changes": [
            {"what": change.what, "replica_peak_per_s": change.peak_per_s, "ratio": change.ratio}
            for change in (advice.changes if advice else ())
        ],
        "profile": profile.to_json(),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "rate_per_s": step.rate_per_s,
        "holds": step.verdict.holds,
        "samples": step.verdict.count,
        "percentiles_ms": {name: _finite(value) for name, value in step.verdict.percentiles_ms.items()},
        "resources": dict(step.simulated.resources),
        "stages": [
            {
                "name": load.name,
                "utilisation": _finite(load.utilisation),
                "mean_batch": load.mean_batch,
                "queue_ms": load.queue_ms,
                "refused": load.refused,
            }
            for load in step.simulated.stages
        ],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _ms(value: float) -> str:
    return f"{value:.1f} ms" if math.isfinite(value) else "refused"
