"""The table for a terminal."""

from __future__ import annotations

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from loadtest.results import EnsembleTime, StageRow, StageTable

WIDTH = 120


def format_stage_table(table: StageTable) -> str:
    """Return the stages, how each ensemble's time is made up, and the notes, as lines of at most `WIDTH` columns."""
    console = Console(width=WIDTH, color_system=None, record=False)
    with console.capture() as capture:
        if table.rows:
            console.print(_rich_table(table.rows))
        for ensemble in table.ensembles:
            console.print(describe_addition(ensemble), soft_wrap=True)
        for note in table.notes:
            console.print(f"note: {note}", soft_wrap=True)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def describe_addition(ensemble: EnsembleTime) -> str:
    """Return e.g. `detect 28.1 ms = preprocess 3.0 + backbone 16.9 + ... + rest 0.2 (0.6 %): adds up`."""
    path = " + ".join(f"{step.model} {step.ms_per_request:.2f}" for step in ensemble.steps if step.is_critical)
    cache = f" + cache {ensemble.cache_ms:.2f}" if ensemble.cache_ms else ""
    sign = "-" if ensemble.remainder_ms < 0 else "+"
    judgement = {True: "adds up within 5 %", False: "does NOT add up within 5 %", None: "cannot be judged"}
    return (
        f"{ensemble.model} {ensemble.end_to_end_ms:.2f} ms = {path or '0'}{cache} {sign} scheduling and copies "
        f"{abs(ensemble.remainder_ms):.2f} ({ensemble.remainder_share:+.1%}): {judgement[ensemble.adds_up]}"
    )


def _rich_table(rows: tuple[StageRow, ...]) -> Table:
    table = Table(
        "stage", box=SIMPLE, title="where the time goes: mean ms per request of each model", title_justify="left"
    )
    for column in ("requests", "failed", "batch", "queue", "input", "infer", "output", "rest", "total", "cache hits"):
        table.add_column(column, justify="right")
    for row in rows:
        is_ensemble = row.ensemble is None and any(other.ensemble == row.model for other in rows)
        parts = (row.queue_ms, row.input_ms, row.infer_ms, row.output_ms, row.overhead_ms + row.cache_ms)
        table.add_row(
            row.model if row.ensemble is None else f"  {row.model}",
            str(row.requests),
            str(row.failures),
            "" if row.mean_batch is None else f"{row.mean_batch:.2f}",
            *([""] * len(parts) if is_ensemble else [f"{part:.2f}" for part in parts]),
            f"{row.total_ms:.2f}",
            f"{row.cache_hits}/{row.cache_hits + row.cache_misses}" if row.cache_hits + row.cache_misses else "",
        )
    return table
