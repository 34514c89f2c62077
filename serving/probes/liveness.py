"""From the results of single probes to a verdict about the model.

Two things make one probe's result the wrong answer. An overloaded server refuses or outlasts the probe while it
works as hard as it can; its own statistics tell it from a hung one. And Triton gives requests to the instances of a
model in turn: with one dead process of two, every other probe succeeds.
"""

from __future__ import annotations

from serving.errors import (
    DeadStubError,
    ForbiddenError,
    ModelNotServedError,
    OverloadedError,
    ProbeError,
    ServiceBrokenError,
)
from serving.probes.triton_http import NoAnswerInTimeError
from serving.probes.verdict import Outcome, Verdict

# More than a model has instances, so that a row of successes has visited each of them.
SUCCESSES_AFTER_DEAD_STUB = 6


class Liveness:
    """State of one model between probes. Not for several threads.

    Args:
        patience_s: How long a server may refuse probes without answering anybody.
    """

    def __init__(self, *, patience_s: float) -> None:
        self._patience_s = patience_s
        self._has_answered = False
        self._progress_s: float | None = None
        self._dead_stub: str | None = None
        self._successes_to_trust = 0
        self._count: int | None = None
        self._own_answers = 0

    def judge(
        self,
        result: ProbeError | None,
        *,
        started_s: float,
        ended_s: float,
        count_before: int | None,
        count_after: int | None,
    ) -> Verdict:
        """Take in one probe.

        Args:
            result: How it failed; None when it was answered.
            started_s: Monotonic time when it was sent.
            ended_s: Monotonic time when it was over.
            count_before: The model's own success count before the probe; None if not known.
            count_after: The same after it; only looked at when it failed.
        """
        self._follow_count(count_before, started_s)
        if result is None:
            self._progress_s = ended_s
            self._own_answers = 1
        else:
            self._follow_count(count_after, ended_s)
        outcome, reason = self._outcome(result, ended_s)
        if self._dead_stub is not None and outcome != "unreachable":
            outcome, reason = "dead_stub", self._dead_stub
        return Verdict(outcome=outcome, reason=reason, duration_s=ended_s - started_s, ended_s=ended_s)

    def _outcome(self, result: ProbeError | None, now_s: float) -> tuple[Outcome, str]:
        text = " ".join(str(result).split())
        match result:
            case None:
                self._has_answered = True
                self._successes_to_trust -= 1
                if self._successes_to_trust <= 0:
                    self._dead_stub = None
                return "answered", "answered a real inference"
            case DeadStubError():
                self._dead_stub = text
                self._successes_to_trust = SUCCESSES_AFTER_DEAD_STUB
                return "dead_stub", text
            case ModelNotServedError():
                self._forget()
                return "not_served", text
            case ForbiddenError():
                return "forbidden", text
            case OverloadedError():
                return self._if_working(now_s, "overloaded", "stalled", text)
            case NoAnswerInTimeError():
                return self._if_working(now_s, "busy", "stalled", text)
            case ServiceBrokenError():
                self._forget()
                return "unreachable", text
            case _:
                if not self._has_answered:
                    return "refused", f"alive, but it never accepted the probe's sample: {text}"
                return self._if_working(now_s, "refused", "failing", text)

    def _if_working(self, now_s: float, working: Outcome, otherwise: Outcome, text: str) -> tuple[Outcome, str]:
        if self._progress_s is not None and now_s - self._progress_s <= self._patience_s:
            return working, f"{text}; the server goes on answering others"
        return otherwise, f"{text}; nobody has been answered for {self._patience_s:g} s or more"

    def _follow_count(self, count: int | None, now_s: float) -> None:
        """Compare the server's success count with the one before: more is progress, less is a new server."""
        if count is None:
            return
        # The probe's own answer is not to pass for somebody else's.
        if self._count is not None and count > self._count + self._own_answers:
            self._progress_s = now_s
        elif self._count is not None and count < self._count:
            self._forget()
        self._count, self._own_answers = count, 0

    def _forget(self) -> None:
        """Whoever answers next has new processes, and counts from 0."""
        self._dead_stub = None
        self._count = None
