"""A service profile from the stage table of a run's report."""

from __future__ import annotations

from collections.abc import Mapping

from loadtest.capacity.errors import ProfileError
from loadtest.capacity.profile_building import BETWEEN_STAGES
from loadtest.capacity.service_curve import ServiceCurve
from loadtest.capacity.service_profile import ServiceProfile
from loadtest.capacity.shared_resource import ResourceProfile
from loadtest.capacity.stage_profile import StageProfile
from loadtest.capacity.stage_settings import StageSettings
from loadtest.results import RunResult, StageRow

_FEWEST_EXECUTIONS = 5


def profile_from_report(
    result: RunResult, *, cores: float | None = None, settings: Mapping[str, StageSettings] | None = None
) -> ServiceProfile:
    """Make a profile of what a run saw.

    A report holds the time of executions as they were, waiting for cores included, and no CPU time: the lower the rate
    of the run, the better. Each execution is taken to keep one core busy, or as many as the stage has threads.

    Args:
        result: Of a run with a stage table.
        cores: Of one replica; None for those of the machine that the run was made on, if the server was there too.
        settings: Instances, batching and threads by model, from the server; without them each stage is one instance
            with batches up to the largest that was seen.

    Raises:
        ProfileError: The report lacks what is needed; the message says what.
    """
    table = result.stages
    ensemble = next((e for e in table.ensembles if e.model == result.model), None) if table else None
    if table is None or ensemble is None:
        raise ProfileError(
            f"the report has no stage table of an ensemble '{result.model}': run again against a server whose"
            " statistics can be read, or measure with --url URL --measure"
        )
    if cores is None:
        if not any(f"//{host}" in result.url for host in ("127.0.0.1", "localhost", "[::1]")):
            raise ProfileError(
                f"the server of the report, {result.url}, is another machine: say with --cores how many cores one"
                " replica has there"
            )
        cores = float(result.machine.get("cores") or 1)
    rows = {row.model: row for row in table.rows}
    between_ms = max((result.latency.mean_ms or ensemble.end_to_end_ms) - ensemble.path_ms, 1e-3)
    known = settings or {}
    curve = ServiceCurve(((1, between_ms),))
    stages = [StageProfile(name=BETWEEN_STAGES, instances=None, elapsed_ms=curve, work_ms=curve)]
    for step in ensemble.steps:
        after = step.after or (BETWEEN_STAGES,)
        stages.append(_stage(rows[step.model], after, known.get(step.model), cores))
    resources = {"cpu": ResourceProfile(capacity=cores)}
    if any(stage.resource == "gpu" for stage in stages):
        resources["gpu"] = ResourceProfile(capacity=1)
    return ServiceProfile(
        stages=tuple(stages),
        resources=resources,
        name=result.model,
        source=f"the run of {result.started_at} against {result.url} at {result.rate_per_s or 0:g}/s",
    )


def _stage(row: StageRow, after: tuple[str, ...], settings: StageSettings | None, cores: float) -> StageProfile:
    points = {
        batch.batch_size: batch.input_ms + batch.infer_ms + batch.output_ms
        for batch in row.batches
        if batch.executions >= _FEWEST_EXECUTIONS
    }
    if not points:
        raise ProfileError(
            f"the report has fewer than {_FEWEST_EXECUTIONS} executions of '{row.model}' of any batch size: run longer"
        )
    elapsed = ServiceCurve(tuple(sorted(points.items())))
    if settings is None:
        return StageProfile(name=row.model, after=after, elapsed_ms=elapsed, work_ms=elapsed, max_batch=max(points))
    busy = 1.0 if settings.is_on_gpu else min(cores, settings.threads or cores)
    return StageProfile(
        name=row.model,
        after=after,
        resource="gpu" if settings.is_on_gpu else "cpu",
        elapsed_ms=elapsed,
        work_ms=ServiceCurve(tuple((size, busy * value) for size, value in elapsed.points)),
        instances=settings.instances,
        max_batch=settings.max_batch,
        preferred_batch_sizes=settings.preferred_batch_sizes,
        max_queue_delay_ms=settings.max_queue_delay_ms,
        max_queue_size=settings.max_queue_size,
        queue_timeout_ms=settings.queue_timeout_ms,
    )
