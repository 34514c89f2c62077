"""What can be said about a load while it runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loadtest.open_loop.load import Load
from loadtest.open_loop.records import ANSWERED, FIRST_ERROR, NOT_SENT, PENDING, Records

RECENT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The state of a load.

    Attributes:
        elapsed_s: since its start.
        answered_per_s: proper answers of the last two seconds, per second.
        p99_ms: of those; None without any.
        errors: failed and unsent requests so far.
        in_flight: requests on their way.
    """

    elapsed_s: float
    answered_per_s: float
    p99_ms: float | None
    errors: int
    in_flight: int


class LiveView:
    """Reads the records of running workers, each request's end once."""

    def __init__(self, loads: list[Load], records: list[Records], start_at_s: float) -> None:
        self._start_at_s = start_at_s
        self._due_s = [start_at_s + load.scheduled_s for load in loads]
        self._arrays = [(record.sent_s(), record.done_s(), record.outcome()) for record in records]
        # All requests before these have ended: long runs are not read again and again.
        self._settled = [0] * len(loads)
        self._errors_settled = [0] * len(loads)
        self.last_answer_s = start_at_s
        self.has_failed_since = False

    def read(self, now_s: float) -> Live:
        """Return the state at a time of `time.monotonic()`."""
        latencies, errors, in_flight = [], 0, 0
        answers_at_s = [self.last_answer_s]
        last_failure_s = 0.0
        for worker, (due_s, (sent_s, done_s, outcome)) in enumerate(zip(self._due_s, self._arrays, strict=True)):
            first, end = self._settled[worker], int(np.searchsorted(due_s, now_s, side="right"))
            outcome, done_s = outcome[first:end].copy(), done_s[first:end]
            is_answered, is_bad = outcome == ANSWERED, outcome >= NOT_SENT
            errors += self._errors_settled[worker] + int(is_bad.sum())
            in_flight += int(((outcome == PENDING) & (sent_s[first:end] > 0)).sum())
            recent = is_answered & (done_s > now_s - RECENT_S)
            latencies.append((done_s - due_s[first:end])[recent] * 1e3)
            if is_answered.any():
                answers_at_s.append(float(done_s[is_answered].max()))
            if (is_failed := outcome >= FIRST_ERROR).any():
                last_failure_s = max(last_failure_s, float(done_s[is_failed].max()))
            # Ended and too old to matter for the last two seconds.
            is_open = (outcome == PENDING) | (done_s > now_s - RECENT_S)
            step = int(np.argmax(is_open)) if is_open.any() else len(outcome)
            self._settled[worker] += step
            self._errors_settled[worker] += int(is_bad[:step].sum())
        self.last_answer_s = max(answers_at_s)
        self.has_failed_since = last_failure_s > self.last_answer_s
        recent_ms = np.concatenate(latencies)
        elapsed_s = now_s - self._start_at_s
        return Live(
            elapsed_s=elapsed_s,
            answered_per_s=len(recent_ms) / max(0.1, min(RECENT_S, elapsed_s)),
            p99_ms=float(np.percentile(recent_ms, 99)) if len(recent_ms) else None,
            errors=errors,
            in_flight=in_flight,
        )
