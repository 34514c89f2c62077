"""Results as a run leaves them, made of seeded random latencies: no server needed."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from loadtest.blocks import latency_blocks
from loadtest.histograms import summarize
from loadtest.results import (
    VERDICT_CODES,
    BatchRow,
    EnsembleTime,
    ErrorCount,
    ModelInfo,
    RunResult,
    Second,
    ServerInfo,
    SlowRequest,
    SlowTrace,
    StageRow,
    StageTable,
    StepTime,
    SweepStep,
    Target,
    TraceStep,
    Verdict,
    VerdictName,
)

STEPS = (
    ("preprocess", (), 0.1, 3.2),
    ("backbone", ("preprocess",), 4.0, 16.5),
    ("head_generic", ("backbone",), 0.6, 6.2),
    ("head_electronics", ("backbone",), 0.2, 5.4),
    ("label_propagation", ("head_generic", "head_electronics"), 0.3, 1.5),
)


def sample_result(
    *,
    seed: int = 1,
    slower: float = 1.0,
    seconds: int = 60,
    rate_per_s: float = 40.0,
    warmup_s: int = 5,
    failures: int = 0,
    verdict: VerdictName = "PASS",
    **changes: Any,
) -> RunResult:
    """A run at a steady rate whose latencies are log-normal times `slower`, drifting a little from second to second."""
    random = np.random.default_rng(seed)
    timeline, measured, due_s = [], [], []
    for second in range(warmup_s + seconds):
        latencies = slower * random.lognormal(3.4 + 0.1 * random.standard_normal(), 0.25, random.poisson(rate_per_s))
        is_measured = second >= warmup_s
        failed = 1 if is_measured and second < warmup_s + failures else 0
        timeline.append(
            Second(
                second=second,
                phase="measured" if is_measured else "warmup",
                sent=len(latencies) + failed,
                completed=len(latencies),
                errors=failed,
                p50_ms=float(np.median(latencies)) if len(latencies) else None,
                p99_ms=float(np.percentile(latencies, 99)) if len(latencies) else None,
                max_ms=float(latencies.max()) if len(latencies) else None,
            )
        )
        if is_measured:
            measured.append(latencies)
            due_s.append(second - warmup_s + random.random(len(latencies)))
    latency = summarize(measured)
    errors = (
        (
            ErrorCount(
                kind="UnavailableError", message="<b>Socket closed</b>", count=failures, first_at_s=warmup_s + 0.2
            ),
        )
        if failures
        else ()
    )
    values: dict[str, Any] = {
        "command": "run",
        "started_at": "2026-11-20T21:30:00Z",
        "url": "grpc://localhost:8001",
        "protocol": "grpc",
        "model": "detect",
        "profile": "steady",
        "rate_per_s": rate_per_s,
        "duration_s": float(seconds),
        "warmup_s": float(warmup_s),
        "cooldown_s": 0.0,
        "seed": 7,
        "payloads": {"source": "generated", "count": 64, "duplicate_rate": 0.1},
        "sla": (Target(percentile=99.0, limit_ms=100.0), Target(percentile=50.0, limit_ms=40.0)),
        "max_error_rate": 0.001,
        "latency": latency,
        "lag": summarize([random.exponential(0.05, latency.count)]),
        "completed": latency.count,
        "errors": errors,
        "timeline": tuple(timeline),
        "verdict": Verdict(
            code=VERDICT_CODES[verdict],
            name=verdict,
            line=f"{verdict}: p99 {latency.percentiles['99']:.1f} ms, asked for <= 100 ms, {latency.count} samples.",
            details=("p99 <= 100 ms needs 459 samples at least.",),
        ),
        "stages": sample_stages(slower),
        "server": sample_server(),
        "machine": {"processor": "a processor", "cores": 2, "system": "Linux", "python": "3.11.2"},
        "generator": {
            "workers": 1,
            "timeout_s": 10.0,
            "argv": ["python", "-m", "loadtest", "run", "--url", "grpc://localhost:8001", "--sla", "p99=100ms"],
        },
        "blocks": latency_blocks(np.concatenate(due_s), np.concatenate(measured), duration_s=float(seconds)),
        "slow_requests": (
            SlowRequest(scheduled_at_s=12.345, latency_ms=91.2, lag_ms=0.1, payload="landscape-3.jpg"),
            SlowRequest(scheduled_at_s=40.1, latency_ms=88.0, lag_ms=0.0, payload="portrait-1.jpg"),
        ),
    }
    return RunResult(**{**values, **changes})


def sample_server(**changes: Any) -> ServerInfo:
    models = tuple(
        ModelInfo(name=name, versions=("1",), platform="onnxruntime_onnx", config_sha256=f"{index:064x}")
        for index, name in enumerate(("detect", *(step[0] for step in STEPS)))
    )
    server = ServerInfo(
        name="triton", version="2.51.0", extensions=("statistics", "trace"), models=models, config_sha256="ab" * 32
    )
    return dataclasses.replace(server, **changes)


def sample_stages(slower: float = 1.0, *, remainder_ms: float = 0.2) -> StageTable:
    rows, steps = [], []
    for name, after, queue_ms, infer_ms in STEPS:
        total_ms = slower * (queue_ms + infer_ms + 0.3)
        rows.append(
            sample_row(
                name,
                ensemble="detect",
                total_ms=total_ms,
                queue_ms=slower * queue_ms,
                infer_ms=slower * infer_ms,
                input_ms=slower * 0.1,
                output_ms=slower * 0.2,
            )
        )
        steps.append(
            StepTime(
                model=name,
                version="1",
                after=after,
                calls_per_request=1.0,
                ms_per_request=total_ms,
                is_critical=name != "head_electronics",
            )
        )
    path_ms = sum(step.ms_per_request for step in steps if step.is_critical)
    total_ms = path_ms + remainder_ms
    ensemble = EnsembleTime(
        model="detect",
        version="1",
        requests=2400,
        end_to_end_ms=total_ms,
        steps=tuple(steps),
        path_ms=path_ms,
        cache_ms=0.0,
        remainder_ms=remainder_ms,
        adds_up=True,
    )
    return StageTable(
        window_s=60.0,
        rows=(sample_row("detect", ensemble=None, total_ms=total_ms, infer_ms=2 * total_ms), *rows),
        ensembles=(ensemble,),
    )


def sample_row(model: str, *, ensemble: str | None, total_ms: float, **parts_ms: float) -> StageRow:
    parts = dict.fromkeys(("queue_ms", "input_ms", "infer_ms", "output_ms"), 0.0) | parts_ms
    return StageRow(
        model=model,
        version="1",
        ensemble=ensemble,
        requests=2400,
        failures=0,
        inferences=2400,
        executions=2000,
        mean_batch=None if ensemble is None else 1.2,
        cache_ms=0.0,
        overhead_ms=0.0,
        total_ms=total_ms,
        cache_hits=0,
        cache_misses=0,
        batches=(BatchRow(batch_size=1, executions=2000, input_ms=0.1, infer_ms=1.0, output_ms=0.1),),
        **parts,
    )


def sample_sweep() -> tuple[SweepStep, ...]:
    rates: tuple[tuple[int, int, VerdictName], ...] = (
        (10, 40, "PASS"),
        (20, 55, "PASS"),
        (40, 190, "SLA_MISSED"),
        (30, 95, "PASS"),
        (35, 120, "INCONCLUSIVE"),
    )
    return tuple(
        SweepStep(
            rate_per_s=float(rate),
            achieved_per_s=rate * 0.99,
            duration_s=60.0,
            attempt=1,
            verdict=verdict,
            line=f"{verdict} at {rate}/s",
            count=rate * 60,
            mean_ms=p99 / 2,
            percentiles={"50": p99 / 2, "99": float(p99)},
            lag_p99_ms=0.2,
            errors=0,
        )
        for rate, p99, verdict in rates
    )


def sample_traces() -> tuple[SlowTrace, ...]:
    steps, start_ms = [], 0.0
    for name, _, queue_ms, infer_ms in STEPS:
        total_ms = queue_ms + infer_ms + 0.3
        steps.append(
            TraceStep(
                model=name,
                version="1",
                start_ms=start_ms,
                queue_ms=queue_ms,
                input_ms=0.1,
                infer_ms=infer_ms,
                output_ms=0.2,
                total_ms=total_ms,
            )
        )
        if name != "head_generic":
            start_ms += total_ms
    trace = SlowTrace(model="detect", version="1", request_id="", total_ms=start_ms + 1, steps=tuple(steps))
    return (trace, dataclasses.replace(trace, total_ms=start_ms))
