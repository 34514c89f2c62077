"""How the end-to-end time of one ensemble is made up of its steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from loadtest.results import EnsembleTime, StepTime
from loadtest.stages.ensemble_graph import LATEST, EnsembleGraph, EnsembleStep
from loadtest.stages.snapshot import ModelCounters, ModelKey, ServerSnapshot

NS_PER_MS = 1e6

# The remainder may be this share of the end-to-end time before the table says that stages do not add up.
TOLERANCE = 0.05

# Requests in flight at either reading are counted by some steps and not by others: a step with this share of requests
# too many is still believed to have had one caller only.
BOUNDARY_SHARE = 0.02


class Explained(NamedTuple):
    """The result, what to say about it, and the composing models in the order of the steps."""

    time: EnsembleTime
    notes: list[str]
    step_keys: list[ModelKey]


def ensemble_time(
    key: ModelKey,
    graph: EnsembleGraph,
    changes: Mapping[ModelKey, ModelCounters],
    after: ServerSnapshot,
    unreliable: set[ModelKey],
) -> Explained:
    """Explain the time of an ensemble by its steps.

    Args:
        key: the ensemble.
        graph: its steps.
        changes: what every model with work did in the window.
        after: the later reading, which says what versions are loaded.
        unreliable: models whose counters do not cover the window.
    """
    change = changes[key]
    requests = change.success.count
    step_keys = [_loaded_version(step, after) for step in graph.steps]
    occurrences = Counter(step_keys)
    calls = [
        changes[step].success.count / occurrences[step] / requests if requests and step in changes else 0.0
        for step in step_keys
    ]
    notes = [
        f"{step} had {calls_per_request:.2f} requests for each one of {key.name}: another ensemble or caller used it "
        "too. Its times are means over all of them."
        for step, calls_per_request in dict(zip(step_keys, calls, strict=True)).items()
        if calls_per_request > 1 + max(BOUNDARY_SHARE, 2 / max(requests, 1))
    ]
    calls = [min(calls_per_request, 1.0) for calls_per_request in calls]
    ms_per_step = [
        calls_per_request * _mean_ms(changes.get(step))
        for calls_per_request, step in zip(calls, step_keys, strict=True)
    ]
    critical = graph.critical_path(ms_per_step)
    end_to_end_ms = _mean_ms(change)
    path_ms = sum(ms_per_step[index] for index in critical)
    cache_ms = (change.cache_hit.ns + change.cache_miss.ns) / requests / NS_PER_MS if requests else 0.0
    remainder_ms = end_to_end_ms - path_ms - cache_ms
    adds_up = None
    if requests and not unreliable.intersection((key, *step_keys)):
        adds_up = abs(remainder_ms) <= TOLERANCE * end_to_end_ms
    if adds_up is False:
        notes.append(_does_not_add_up(key, remainder_ms, end_to_end_ms, requests))
    return Explained(
        EnsembleTime(
            model=key.name,
            version=key.version,
            requests=requests,
            end_to_end_ms=end_to_end_ms,
            steps=tuple(
                StepTime(
                    model=step_key.name,
                    version=step_key.version,
                    after=tuple(graph.steps[index].model for index in step.after),
                    calls_per_request=calls[position],
                    ms_per_request=ms_per_step[position],
                    is_critical=position in critical,
                )
                for position, (step, step_key) in enumerate(zip(graph.steps, step_keys, strict=True))
            ),
            path_ms=path_ms,
            cache_ms=cache_ms,
            remainder_ms=remainder_ms,
            adds_up=adds_up,
        ),
        notes,
        list(occurrences),
    )


def _loaded_version(step: EnsembleStep, after: ServerSnapshot) -> ModelKey:
    """Return the pinned version, or the newest of the loaded ones."""
    if step.version != LATEST:
        return ModelKey(step.model, step.version)
    versions = [key.version for key in after.models if key.name == step.model]
    return ModelKey(step.model, max(versions, key=int, default=LATEST))


def _mean_ms(change: ModelCounters | None) -> float:
    return change.success.ns / change.success.count / NS_PER_MS if change and change.success.count else 0.0


def _does_not_add_up(key: ModelKey, remainder_ms: float, end_to_end_ms: float, requests: int) -> str:
    share = abs(remainder_ms) / end_to_end_ms
    if remainder_ms > 0:
        reason = "scheduling between steps, or steps side by side of which now one, now the other is the longer"
    else:
        reason = "steps that start while the one before still cleans up, as on a machine with too few cores"
    return f"The stages of {key.name} miss its end-to-end time by {share:.0%} ({requests} requests): {reason}."
