"""From measured blocks of calls to a service profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loadtest.capacity.measured_block import CLIENT, MeasuredBlock
from loadtest.capacity.service_curve import ServiceCurve
from loadtest.capacity.service_profile import ServiceProfile
from loadtest.capacity.shared_resource import ResourceProfile
from loadtest.capacity.stage_profile import StageProfile
from loadtest.capacity.stage_settings import StageSettings
from loadtest.stages.ensemble_graph import EnsembleGraph

BETWEEN_STAGES = "client and tritonserver"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Everything that is known of a server."""

    graph: EnsembleGraph
    settings: Mapping[str, StageSettings]
    blocks: Mapping[int, MeasuredBlock]
    """By batch size; 1 among them."""
    spread: Mapping[str, float]
    """By model: standard deviation over mean of single executions."""
    cores: float


def build_profile(measured: Measured, *, name: str, source: str, landscape_share: float) -> ServiceProfile:
    """Return the profile, as yet without losses by overcommitted cores.

    Args:
        measured: What is known.
        name: The ensemble's.
        source: Where the times come from, for the reader.
        landscape_share: Part of the requests on the landscape canvas.
    """
    steps = measured.graph.steps
    single = measured.blocks[1]
    path_ms = [single.elapsed_ms(step.model) for step in steps]
    inside_ms = sum(path_ms[k] for k in measured.graph.critical_path(path_ms))
    is_local = any(model in single.cpu_ms for model in measured.settings)
    client_cpu_ms = single.cpu_ms[CLIENT] / single.calls if is_local else 0.0
    # What lies between the stages is put before the first, where it costs the same time.
    between = StageProfile(
        name=BETWEEN_STAGES,
        instances=None,
        elapsed_ms=ServiceCurve(((1, max(single.mean_ms - inside_ms, client_cpu_ms, 1e-3)),)),
        work_ms=ServiceCurve(((1, client_cpu_ms),)),
    )
    stages = [
        _stage(measured, step.model, tuple(steps[k].model for k in step.after) or (BETWEEN_STAGES,)) for step in steps
    ]
    resources = {"cpu": ResourceProfile(capacity=measured.cores)}
    if any(stage.resource == "gpu" for stage in stages):
        resources["gpu"] = ResourceProfile(capacity=1)
    return ServiceProfile(
        stages=(between, *_in_order(stages)),
        resources=resources,
        shape_shares=(landscape_share, 1 - landscape_share) if 0 < landscape_share < 1 else (1.0,),
        name=name,
        source=source,
    )


def _stage(measured: Measured, model: str, after: tuple[str, ...]) -> StageProfile:
    settings, blocks = measured.settings[model], measured.blocks
    elapsed = {size: block.elapsed_ms(model) for size, block in blocks.items()}
    if model in blocks[1].cpu_ms and not settings.is_on_gpu:
        models = [step.model for step in measured.graph.steps]
        work = {size: block.work_ms(model, models) for size, block in blocks.items()}
    else:  # on another machine, or inside tritonserver: its threads are taken to be busy throughout
        busy = 1.0 if settings.is_on_gpu else min(measured.cores, settings.threads or measured.cores)
        work = {size: busy * value for size, value in elapsed.items()}
    return StageProfile(
        name=model,
        after=after,
        resource="gpu" if settings.is_on_gpu else "cpu",
        instances=settings.instances,
        max_batch=settings.max_batch,
        preferred_batch_sizes=settings.preferred_batch_sizes,
        max_queue_delay_ms=settings.max_queue_delay_ms,
        max_queue_size=settings.max_queue_size,
        queue_timeout_ms=settings.queue_timeout_ms,
        elapsed_ms=ServiceCurve(tuple(sorted(elapsed.items()))),
        work_ms=ServiceCurve(tuple(sorted(work.items()))),
        cv=round(measured.spread[model], 4),
    )


def _in_order(stages: list[StageProfile]) -> list[StageProfile]:
    """Return the stages so that each stands behind those that it reads from; a config may list them in any order."""
    left, ordered, done = list(stages), [], {BETWEEN_STAGES}
    while left:
        ready = next(stage for stage in left if done.issuperset(stage.after))
        left.remove(ready)
        ordered.append(ready)
        done.add(ready.name)
    return ordered
