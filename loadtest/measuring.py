"""One load from its first to its last request, and everything that a report says about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from loadtest.blocks import latency_blocks
from loadtest.bottleneck import bottleneck_of
from loadtest.evidence import Evidence, gather, is_judged
from loadtest.histograms import summarize
from loadtest.interrupt import Interrupt
from loadtest.load_options import LoadOptions
from loadtest.machine import describe_machine
from loadtest.open_loop.driving import drive
from loadtest.open_loop.live import Live
from loadtest.open_loop.samples import Samples
from loadtest.payloads import Mix, Photo, describe, generate_photos, photos_of_folder
from loadtest.planned_load import PlannedLoad
from loadtest.results import ErrorCount, LatencySummary, RunResult, ServerInfo, SlowRequest
from loadtest.results.json_values import JsonObject
from loadtest.server_readings import ServerReadings
from loadtest.timeline import timeline_of
from loadtest.verdict import decide

SLOWEST = 10
NOT_SENT_MESSAGE = "the generator had no room left for it (--max-in-flight, descriptors, ports), or its process died"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payloads:
    """Photos, and what the report says about them."""

    photos: tuple[Photo, ...]
    description: JsonObject


def load_payloads(options: LoadOptions) -> Payloads:
    """Read or generate the photos.

    Raises:
        PayloadError: there are none.
    """
    if options.photos is None:
        photos = generate_photos(Mix(), seed=options.seed)
        source: Literal["folder", "generated"] = "generated"
    else:
        photos, source = photos_of_folder(options.photos), "folder"
    return Payloads(photos=photos, description=describe(photos, source=source, duplicate_rate=options.duplicate_rate))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A measured load.

    Attributes:
        result: its report.
        evidence: what its verdict was decided on.
    """

    result: RunResult
    evidence: Evidence


class _Observer:
    """Passes the load's state on, and has the server's statistics read around the window."""

    def __init__(self, readings: ServerReadings, on_live: Callable[[Live], None]) -> None:
        self._readings = readings
        self._on_live = on_live

    def on_live(self, live: Live) -> None:
        self._on_live(live)

    def on_window_start(self) -> None:
        self._readings.take("before")

    def on_window_end(self) -> None:
        self._readings.take("after")


def measure(
    options: LoadOptions,
    planned: PlannedLoad,
    payloads: Payloads,
    *,
    server: ServerInfo | None,
    interrupt: Interrupt,
    on_live: Callable[[Live], None],
    is_hopeless: Callable[[Evidence], bool] | None = None,
    seed: int | None = None,
    notes: tuple[str, ...] = (),
) -> Measurement:
    """Generate a load and judge it.

    Args:
        options: whom to call and what is good enough.
        planned: the load.
        payloads: what it sends.
        server: what the server said about itself.
        interrupt: ends the load.
        on_live: called a few times per second.
        is_hopeless: ends the load when it returns True for what there is so far.
        seed: of this load, where it is not that of the options.
        notes: what a reader must know, for `generator`.
    """

    def judged(samples: Samples) -> Evidence:
        return gather(samples, spans=planned.spans, sla=options.sla, max_lag_ms=options.max_lag_ms)

    readings = ServerReadings(options.address, model=options.address.model, trace_slow=options.trace_slow)
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    samples = drive(
        planned.load,
        workers=options.workers,
        window_s=planned.window_s,
        observer=_Observer(readings, on_live),
        interrupt=interrupt,
        give_up_after_s=options.give_up_after_s,
        is_hopeless=None if is_hopeless is None else lambda so_far: is_hopeless(judged(so_far)),
    )
    evidence = judged(samples)
    stages = readings.stages()
    slow_traces = readings.slow_traces()
    is_measured = is_judged(samples, planned.spans, options.sla)
    duration_s = round(max(0.0, min(planned.duration_s, samples.stopped_at_s - planned.window_s[0])), 3)
    result = RunResult(
        command="run",
        started_at=started_at,
        url=options.address.url,
        protocol="grpc" if options.address.is_grpc else "http",
        model=options.address.model,
        profile=planned.profile,
        rate_per_s=planned.rate_per_s,
        duration_s=duration_s,
        warmup_s=options.warmup_s,
        cooldown_s=options.cooldown_s,
        seed=options.seed if seed is None else seed,
        payloads=payloads.description,
        sla=options.sla,
        max_error_rate=options.max_error_rate,
        latency=_summary(samples, samples.latency_ms, is_measured & samples.is_answered, options),
        lag=_summary(samples, samples.lag_ms, is_measured & ~np.isnan(samples.sent_s), options),
        completed=int((is_measured & samples.is_answered).sum()),
        errors=_errors(samples, is_measured),
        timeline=timeline_of(samples, spans=planned.spans, window_s=planned.window_s),
        verdict=decide(
            evidence, sla=options.sla, max_error_rate=options.max_error_rate, bottleneck=bottleneck_of(stages)
        ),
        stages=stages,
        server=server,
        machine=describe_machine(),
        generator={
            "argv": ["python", "-m", "loadtest", *options.argv],
            "workers": options.workers,
            "connections_opened": samples.connections_opened,
            "max_in_flight": planned.load.max_in_flight,
            "timeout_s": options.timeout_s,
            "max_lag_ms": options.max_lag_ms,
            "late": evidence.late,
            "not_sent": evidence.not_sent,
            "processor_s": round(samples.processor_s, 3),
            "stopped": samples.stopped,
            "notes": [*notes, *readings.notes],
        },
        slow_requests=_slowest(samples, is_measured & samples.is_answered, planned.load.photos),
        slow_traces=slow_traces,
        blocks=latency_blocks(
            samples.scheduled_s[is_measured] - planned.window_s[0],
            np.where(samples.is_answered, samples.latency_ms, np.nan)[is_measured],
            duration_s=duration_s,
        ),
    )
    return Measurement(result=result, evidence=evidence)


def _summary(
    samples: Samples,
    values_ms: NDArray[np.float64],
    mask: NDArray[np.bool_],
    options: LoadOptions,
) -> LatencySummary:
    # One histogram for each worker, then merged.
    parts = [values_ms[mask & (samples.worker_of == worker)] for worker in range(options.workers)]
    return summarize(parts, [target.percentile for target in options.sla])


def _errors(samples: Samples, is_measured: NDArray[np.bool_]) -> tuple[ErrorCount, ...]:
    """Return the failed requests of the measured window by cause; of the whole load where none was measured."""
    is_bad = samples.is_failed | samples.is_not_sent
    chosen = np.flatnonzero(is_bad & is_measured)
    if not len(chosen):
        if not is_measured.any():
            chosen = np.flatnonzero(is_bad)
        if samples.unreachable is not None:
            kind, message = samples.unreachable
            return (ErrorCount(kind=kind, message=message, count=1, first_at_s=0.0),)
    counts: Counter[tuple[str, str]] = Counter()
    first_at_s: dict[tuple[str, str], float] = {}
    for index in chosen:
        group = samples.errors.get(int(samples.outcome[index]), ("NotSent", NOT_SENT_MESSAGE))
        counts[group] += 1
        first_at_s.setdefault(group, float(samples.scheduled_s[index]))
    return tuple(
        ErrorCount(kind=kind, message=message, count=count, first_at_s=round(first_at_s[kind, message], 6))
        for (kind, message), count in counts.most_common()
    )


def _slowest(samples: Samples, mask: NDArray[np.bool_], photos: tuple[Photo, ...]) -> tuple[SlowRequest, ...]:
    indexes = np.flatnonzero(mask)
    latency_ms = samples.latency_ms
    slowest = indexes[np.argsort(latency_ms[indexes])[::-1][:SLOWEST]]
    return tuple(
        SlowRequest(
            scheduled_at_s=round(float(samples.scheduled_s[index]), 6),
            latency_ms=float(latency_ms[index]),
            lag_ms=float(samples.lag_ms[index]),
            payload=photos[samples.photo_of[index]].name,
        )
        for index in slowest
    )
