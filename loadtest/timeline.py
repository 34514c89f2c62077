"""A run second by second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loadtest.evidence import Span
from loadtest.histograms import exact_percentile
from loadtest.open_loop.samples import Samples
from loadtest.results import Second
from loadtest.results.requests import Phase


def timeline_of(samples: Samples, *, spans: Sequence[Span], window_s: tuple[float, float]) -> tuple[Second, ...]:
    """Return one row per second and phase; requests that were still on their way at the end are in none."""
    due_s = samples.scheduled_s
    has_ended = ~samples.is_pending & (due_s < samples.stopped_at_s)
    edges = {*window_s, *(edge for span in spans for edge in (span.start_s, span.end_s))}
    edges = {at_s for at_s in edges if _phase(at_s, spans, window_s) != _phase(at_s - 1e-9, spans, window_s)}
    last_s = float(due_s[has_ended].max()) if has_ended.any() else 0.0
    edges |= {float(second) for second in range(int(last_s) + 2)}
    starts = sorted(edge for edge in edges if edge <= last_s)
    indexes = [*np.searchsorted(due_s, starts), len(due_s)]
    latency_ms = samples.latency_ms
    is_answered = samples.is_answered & has_ended
    rows = []
    for start_s, first, end in zip(starts, indexes, indexes[1:], strict=False):
        answered_ms = np.sort(latency_ms[first:end][is_answered[first:end]])
        sent = int(has_ended[first:end].sum())
        if not sent and start_s != int(start_s):
            continue
        is_empty = not len(answered_ms)
        rows.append(
            Second(
                second=int(start_s),
                phase=_phase(start_s, spans, window_s),
                sent=sent,
                completed=len(answered_ms),
                errors=sent - len(answered_ms),
                p50_ms=None if is_empty else exact_percentile(answered_ms, 50),
                p99_ms=None if is_empty else exact_percentile(answered_ms, 99),
                max_ms=None if is_empty else float(answered_ms[-1]),
            )
        )
    return tuple(rows)


def _phase(at_s: float, spans: Sequence[Span], window_s: tuple[float, float]) -> Phase:
    if at_s < window_s[0]:
        return "warmup"
    if at_s >= window_s[1]:
        return "cooldown"
    return "measured" if any(span.start_s <= at_s < span.end_s for span in spans) else "unjudged"
