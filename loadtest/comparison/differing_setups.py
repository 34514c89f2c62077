"""What differs between two runs besides the latencies: what forbids a comparison, and what a reader must know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loadtest.results import RunResult, ServerInfo

# What the generator was told. What it counted, such as late requests, differs from run to run.
GENERATOR_SETTINGS = ("workers", "timeout_s", "max_lag_ms")
INCIDENTAL = {"load_average"}


def reasons_not_comparable(before: RunResult, after: RunResult) -> list[str]:
    """Return why the latencies of two runs answer different questions; empty where they can be compared."""
    reasons = []
    for name, values in {
        "command": (before.command, after.command),
        "model": (before.model, after.model),
        "profile": (before.profile, after.profile),
    }.items():
        if values[0] != values[1]:
            reasons.append(f"{name}: {values[0]} in A, {values[1]} in B")
    # At its peak each server has its own rate; what is compared there is the rate.
    if before.command == "run" and before.rate_per_s != after.rate_per_s:
        reasons.append(f"rate: {_rate(before)} in A, {_rate(after)} in B; latency depends on the load")
    for name in ("source", "duplicate_rate"):
        first, second = before.payloads.get(name), after.payloads.get(name)
        if first != second:
            reasons.append(f"payloads, {name.replace('_', ' ')}: {first} in A, {second} in B")
    return reasons


def differences(before: RunResult, after: RunResult) -> Iterator[str]:
    """Yield one line for each thing that differs: often it is what one wanted to compare, and sometimes a surprise."""
    for name, first, second in (
        ("server address", before.url, after.url),
        ("protocol", before.protocol, after.protocol),
        ("seed", before.seed, after.seed),
        ("measured seconds", f"{before.duration_s:g}", f"{after.duration_s:g}"),
        ("warm-up seconds", f"{before.warmup_s:g}", f"{after.warmup_s:g}"),
    ):
        if first != second:
            yield f"{name}: {first} in A, {second} in B"
    yield from _mapping_differences("payloads", before.payloads, after.payloads)
    yield from _mapping_differences("the generator's machine", before.machine, after.machine)
    settings = (
        {name: run.generator.get(name) for name in GENERATOR_SETTINGS if name in run.generator}
        for run in (before, after)
    )
    yield from _mapping_differences("generator", *settings)
    yield from _server_differences(before.server, after.server)


def _mapping_differences(place: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted((before.keys() | after.keys()) - INCIDENTAL):
        first, second = before.get(name), after.get(name)
        if first != second:
            yield f"{place}, {name.replace('_', ' ')}: {first} in A, {second} in B"


def _server_differences(before: ServerInfo | None, after: ServerInfo | None) -> Iterator[str]:
    if before is None or after is None:
        if before is not after:
            yield f"server: {'A' if before is None else 'B'} does not say which one it was"
        return
    if (before.name, before.version) != (after.name, after.version):
        yield f"server: {before.name} {before.version} in A, {after.name} {after.version} in B"
    models = {model.name: model for model in before.models}, {model.name: model for model in after.models}
    for name in sorted(models[0].keys() | models[1].keys()):
        first, second = models[0].get(name), models[1].get(name)
        if first is None or second is None:
            yield f"model {name}: only in {'B' if first is None else 'A'}"
            continue
        if first.versions != second.versions:
            yield f"model {name}, version: {', '.join(first.versions)} in A, {', '.join(second.versions)} in B"
        if first.config_sha256 != second.config_sha256:
            yield f"model {name}, configuration: {first.config_sha256[:12]} in A, {second.config_sha256[:12]} in B"


def _rate(result: RunResult) -> str:
    return "none" if result.rate_per_s is None else f"{result.rate_per_s:g}/s"
