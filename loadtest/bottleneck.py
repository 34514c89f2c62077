"""Where a request spends most of its time inside the server, for the advice in a verdict."""

from __future__ import annotations

from loadtest.results import StageTable

# The field of a row -> how it is said.
_PARTS = {
    "queue_ms": "waiting in the queue of",
    "input_ms": "gathering the inputs of",
    "infer_ms": "computing",
    "output_ms": "handing out the outputs of",
}


def bottleneck_of(stages: StageTable | None) -> str | None:
    """Return e.g. `waiting in the queue of backbone (61 ms of 102 ms)`; None where nothing is known.

    Ensembles are left out: their own figures are sums over their steps.
    """
    if stages is None:
        return None
    ensembles = {row.ensemble for row in stages.rows} | {ensemble.model for ensemble in stages.ensembles}
    steps = [row for row in stages.rows if row.model not in ensembles and row.requests]
    if not steps:
        return None
    part, row = max(((part, row) for row in steps for part in _PARTS), key=lambda choice: getattr(choice[1], choice[0]))
    if (value_ms := getattr(row, part)) <= 0:
        return None
    whole_ms = max((ensemble.end_to_end_ms for ensemble in stages.ensembles), default=row.total_ms)
    return f"{_PARTS[part]} {row.model} ({value_ms:.3g} ms of {whole_ms:.3g} ms)"
