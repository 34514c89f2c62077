"""Two readings to a table: what happened between them.

The addition rule. Triton counts for an ensemble's request the time from its arrival to the release of its last step
(`success`), and for each step the same of the request that it makes of the step. A step starts when the steps that it
needs have answered; steps that need nothing of each other run side by side. So::

    end to end = longest path over the steps + response cache + remainder

and the remainder is small. It is scheduling between steps where it is above 0. It is below 0 where a step already runs
while the one before still counts: a model answers from within its output phase, and cleans up afterwards. Its other
source is the mean: of two steps side by side the longer one is not always the same, and the mean of the longer is
more than the longer of the means.
"""

from __future__ import annotations

from collections.abc import Mapping

from loadtest.results import BatchRow, EnsembleTime, StageRow, StageTable
from loadtest.stages.ensemble_time import ensemble_time
from loadtest.stages.snapshot import BatchCounters, ModelCounters, ModelKey, ServerSnapshot, Tally

NS_PER_MS = 1e6


def difference(before: ServerSnapshot, after: ServerSnapshot) -> StageTable:
    """Return what every model did between two readings of one server.

    Models without any request are left out. What makes the table less than the truth is said in its notes: a model that
    was loaded, unloaded or restarted meanwhile, one that other callers used too, a response cache, skipped steps.
    """
    changes: dict[ModelKey, ModelCounters] = {}
    notes: list[str] = []
    unreliable: set[ModelKey] = set()
    reset: list[ModelKey] = []
    for key, counters in after.models.items():
        if (earlier := before.models.get(key)) is None:
            changes[key] = counters
            unreliable.add(key)
            notes.append(f"{key} was loaded meanwhile: its row counts since then, its warm-up included.")
        elif (change := counters - earlier).was_reset:
            changes[key] = counters
            unreliable.add(key)
            reset.append(key)
        else:
            changes[key] = change
    if reset:
        notes.append(_reset_note(reset, after))
    notes += [
        f"{key} was unloaded meanwhile: what it did until then is not in the table."
        for key in before.models
        if key not in after.models
    ]

    rows, ensembles = _group(changes, after, unreliable, notes)
    return StageTable(
        window_s=after.taken_s - before.taken_s, rows=tuple(rows), ensembles=tuple(ensembles), notes=tuple(notes)
    )


def _reset_note(reset: list[ModelKey], after: ServerSnapshot) -> str:
    if len(reset) == len(after.models):
        return (
            "The server's counters went backwards: it was restarted meanwhile, or a load balancer sent the two "
            "readings to two servers. The table counts since its start; stages cannot be added up."
        )
    names = ", ".join(str(key) for key in reset)
    return f"Counters went backwards, so these were loaded again meanwhile, and count since then: {names}."


def _group(
    changes: Mapping[ModelKey, ModelCounters],
    after: ServerSnapshot,
    unreliable: set[ModelKey],
    notes: list[str],
) -> tuple[list[StageRow], list[EnsembleTime]]:
    """Return rows and ensembles: each ensemble with its steps below, a shared step below the first that has it."""
    rows: list[StageRow] = []
    times: list[EnsembleTime] = []
    shown: set[ModelKey] = set()
    used = {key: change for key, change in changes.items() if change.success.count or change.fail.count}

    def show(key: ModelKey, ensemble: str | None) -> None:
        if key in shown or key not in used:
            return
        shown.add(key)
        graph = after.ensembles.get(key)
        rows.append(_row(key, used[key], ensemble, is_ensemble=graph is not None))
        if graph is None:
            return
        time = ensemble_time(key, graph, used, after, unreliable)
        times.append(time.time)
        notes.extend(time.notes)
        for step in time.step_keys:
            show(step, key.name)

    inner = {step.model for graph in after.ensembles.values() for step in graph.steps}
    # Ensembles that no other ensemble contains come first, then whatever they have not shown.
    for key in sorted(used, key=lambda key: (key not in after.ensembles, key.name in inner, key)):
        show(key, None)
    return rows, times


def _row(key: ModelKey, change: ModelCounters, ensemble: str | None, *, is_ensemble: bool) -> StageRow:
    requests = change.success.count

    def per_request_ms(tally: Tally) -> float:
        return tally.ns / requests / NS_PER_MS if requests else 0.0

    cache_ms = per_request_ms(change.cache_hit) + per_request_ms(change.cache_miss)
    parts_ms = [
        per_request_ms(tally)
        for tally in (change.queue, change.compute_input, change.compute_infer, change.compute_output)
    ]
    total_ms = per_request_ms(change.success)
    return StageRow(
        model=key.name,
        version=key.version,
        ensemble=ensemble,
        requests=requests,
        failures=change.fail.count,
        inferences=change.inference_count,
        executions=change.execution_count,
        mean_batch=None
        if is_ensemble or not change.execution_count
        else change.inference_count / change.execution_count,
        queue_ms=parts_ms[0],
        input_ms=parts_ms[1],
        infer_ms=parts_ms[2],
        output_ms=parts_ms[3],
        cache_ms=cache_ms,
        overhead_ms=0.0 if is_ensemble else total_ms - sum(parts_ms) - cache_ms,
        total_ms=total_ms,
        cache_hits=change.cache_hit.count,
        cache_misses=change.cache_miss.count,
        # An ensemble's "batches" are the sums of its steps' times: no time that anything took.
        batches=() if is_ensemble else _batches(change.batches),
    )


def _batches(batches: Mapping[int, BatchCounters]) -> tuple[BatchRow, ...]:
    return tuple(
        BatchRow(
            batch_size=size,
            executions=counters.compute_infer.count,
            input_ms=counters.compute_input.ns / counters.compute_infer.count / NS_PER_MS,
            infer_ms=counters.compute_infer.ns / counters.compute_infer.count / NS_PER_MS,
            output_ms=counters.compute_output.ns / counters.compute_infer.count / NS_PER_MS,
        )
        for size, counters in batches.items()
        if counters.compute_infer.count > 0
    )
