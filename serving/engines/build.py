"""Have an engine for every model that wants one: from the cache, or built."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from serving.engines.builder import BuildRequest, EngineBuilder
from serving.engines.engine_cache import EngineCache, EngineKey, key_of
from serving.engines.engine_spec import EngineSpec
from serving.engines.gpu_product import GpuProduct
from serving.engines.graph_preparation import prepare_graph
from serving.errors import EngineBuildError, EngineCacheError

#: Told one line at a time what happens.
Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Target:
    """For what is built."""

    tensorrt_version: str
    gpu: GpuProduct


def provide_engines(
    specs: Sequence[EngineSpec],
    *,
    target: Target,
    cache: EngineCache,
    builder: EngineBuilder | None,
    lock_timeout_s: float,
    report: Report,
) -> dict[tuple[str, int], Path]:
    """Make sure that the cache has a good plan for each of `specs`.

    Args:
        specs: What is wanted.
        target: TensorRT and GPU.
        cache: Where plans are kept.
        builder: Builds what is missing; None to refuse instead.
        lock_timeout_s: How long another builder of the same engine is waited for.
        report: Told what happens.

    Returns:
        The plan of each model and version.

    Raises:
        EngineError: The first engine that cannot be had; those before it are in the cache.
    """
    return {
        (spec.model, spec.version): _provide(
            spec, target=target, cache=cache, builder=builder, lock_timeout_s=lock_timeout_s, report=report
        )
        for spec in specs
    }


def _provide(
    spec: EngineSpec,
    *,
    target: Target,
    cache: EngineCache,
    builder: EngineBuilder | None,
    lock_timeout_s: float,
    report: Report,
) -> Path:
    who = f"{spec.model} {spec.version}"
    key = key_of(spec, tensorrt_version=target.tensorrt_version, gpu=target.gpu)
    fault = cache.fault(key)
    if fault is None:
        report(f"{who}: in the cache")
        return cache.plan_path(key)
    if builder is None:
        raise EngineCacheError(
            f"{who}: {fault}: {cache.plan_path(key)}. Run build-engines without --no-build on a machine with"
            f" {target.gpu.name} and TensorRT {target.tensorrt_version}."
        )
    with cache.lock(key, timeout_s=lock_timeout_s, on_wait=lambda: report(f"{who}: another builder is at it, waiting")):
        # While this one waited, the other may have finished.
        fault = cache.fault(key)
        if fault is None:
            report(f"{who}: in the cache, built by another")
        else:
            report(f"{who}: {fault}: building for {target.gpu.name}, TensorRT {target.tensorrt_version} (minutes)")
            _build(spec, key, cache, builder, report)
    return cache.plan_path(key)


def _build(spec: EngineSpec, key: EngineKey, cache: EngineCache, builder: EngineBuilder, report: Report) -> None:
    started_s = time.monotonic()
    built = builder.build(
        BuildRequest(
            model=spec.model,
            onnx=prepare_graph(spec.onnx_path, spec.precision),
            profiles=spec.profiles,
            timing_cache=cache.read_timings(key),
        )
    )
    if not built.plan:
        raise EngineBuildError(f"{spec.model}: TensorRT gave an empty plan.")
    build_s = time.monotonic() - started_s
    cache.store(key, built.plan, {"model": spec.model, "settings": spec.settings(), "build_s": round(build_s, 1)})
    try:
        if built.timing_cache:
            cache.store_timings(key, built.timing_cache)
    except EngineCacheError as error:  # the plan is there, only the next build takes longer
        report(f"{spec.model} {spec.version}: timings are not kept: {error}")
    report(f"{spec.model} {spec.version}: built in {build_s:.0f} s, {len(built.plan) / 1e6:.1f} MB")
