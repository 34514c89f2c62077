"""Carries out what the queue has decided: answers each request when it is done."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from loadtest.fake_server.behaviour import Admitted, Behaviour
from loadtest.precise_timer import open_timer

Answer = Callable[[Admitted], None]


class DelayedAnswers:
    """A queue of answers in the order of their times, which is that of the arrivals."""

    def __init__(self, behaviour: Behaviour, loop: asyncio.AbstractEventLoop) -> None:
        self._behaviour = behaviour
        self._pending: deque[tuple[Admitted, Answer]] = deque()
        self._timer = open_timer(loop, self._on_time)

    def admit(self, answer: Answer) -> None:
        """Take a request that has just arrived; `answer` is called when it is done, or never."""
        admitted = self._behaviour.admit(time.monotonic())
        if admitted.outcome == "never":
            return
        if admitted.outcome == "rejected":
            self._behaviour.count(admitted)
            answer(admitted)
            return
        self._pending.append((admitted, answer))
        if len(self._pending) == 1:
            self._timer.arm(admitted.done_s)

    def _on_time(self) -> None:
        pending = self._pending
        while pending and pending[0][0].done_s <= time.monotonic():
            admitted, answer = pending.popleft()
            self._behaviour.count(admitted)
            answer(admitted)
        if pending:
            self._timer.arm(pending[0][0].done_s)

    def close(self) -> None:
        """Answer nothing any more."""
        self._timer.close()
        self._pending.clear()
