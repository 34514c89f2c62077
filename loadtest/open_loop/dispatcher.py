"""Sends each request when it is due, and writes down what becomes of it."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable

from genod_client import DeadlineExceededError, GenODError
from loadtest.open_loop.load import Load
from loadtest.open_loop.records import (
    ANSWERED,
    FINISH,
    FIRST_ERROR,
    GO_ON,
    LAST_ERROR,
    NOT_SENT,
    STOP,
    Records,
)
from loadtest.open_loop.sender import NoRoomError, Sender
from loadtest.precise_timer import open_timer

# Requests sent in one go when several are due, before the loop may look at answers again.
_BURST = 32

# How often deadlines and the parent's wishes are looked at.
_SWEEP_S = 0.01

_NUMBERS = re.compile(r"\d+(\.\d+)?")


class Dispatcher:
    """The open loop of one worker."""

    def __init__(
        self,
        *,
        load: Load,
        records: Records,
        on_new_error: Callable[[int, str, str], None],
    ) -> None:
        """Prepare the loop.

        Args:
            load: what to send.
            records: where to write what happened.
            on_new_error: called with the outcome's number, its kind and message for the first error of each group.
        """
        self._load = load
        self._records = records
        self._on_new_error = on_new_error
        self._sent_s, self._done_s, self._outcome = records.views()
        self._outcome_of_group: dict[tuple[str, str], int] = {}
        self._in_flight: dict[int, float] = {}  # index -> when sent; the oldest first
        self._next = 0
        self._ended = asyncio.Event()
        self._is_sending = True
        self._parent = os.getppid()

    def finish(self, index: int, error: GenODError | None) -> None:
        """Write down the end of a request; called by the sender."""
        now = time.monotonic()
        if self._in_flight.pop(index, None) is None:  # it was given up before
            return
        self._done_s[index] = now
        self._outcome[index] = ANSWERED if error is None else self._outcome_for(error)
        if not self._is_sending and not self._in_flight:
            self._ended.set()

    def _outcome_for(self, error: GenODError) -> int:
        if isinstance(error, NoRoomError):
            return NOT_SENT
        # Addresses and times differ from message to message: those alike but for numbers are one group.
        group = (type(error).__name__, _NUMBERS.sub("#", str(error)))
        outcome = self._outcome_of_group.get(group)
        if outcome is None:
            outcome = min(FIRST_ERROR + len(self._outcome_of_group), LAST_ERROR)
            self._outcome_of_group[group] = outcome
            self._on_new_error(outcome, type(error).__name__, str(error))
        return outcome

    async def run(self, sender: Sender, start_at_s: float) -> None:
        """Send everything, and return when everything has ended.

        Args:
            sender: sends.
            start_at_s: when the load starts, on the clock of `time.monotonic()`.
        """
        loop = asyncio.get_running_loop()
        self._sender = sender
        self._due_s = (start_at_s + self._load.scheduled_s).tolist()
        self._photo_of, self._stamp_of = self._load.photo_of.tolist(), self._load.stamp_of.tolist()
        self._timer = open_timer(loop, self._on_due)
        sweeping = loop.create_task(self._sweep())
        try:
            if self._due_s:
                self._timer.arm(self._due_s[0])
            else:
                self._stop_sending()
            await self._ended.wait()
        finally:
            sweeping.cancel()
            self._timer.close()

    def _on_due(self) -> None:
        if not self._is_sending:
            return
        due_s, count, index = self._due_s, len(self._due_s), self._next
        last = min(count, index + _BURST)
        now = time.monotonic()
        while index < last and due_s[index] <= now:
            if len(self._in_flight) >= self._load.max_in_flight:
                self._done_s[index] = now
                self._outcome[index] = NOT_SENT
            else:
                self._sent_s[index] = now
                self._in_flight[index] = now
                self._sender.send(index, self._photo_of[index], self._stamp_of[index])
            index += 1
            now = time.monotonic()
        self._next = index
        if index < count:
            self._timer.arm(due_s[index])
        else:
            self._stop_sending()

    def _stop_sending(self) -> None:
        self._is_sending = False
        if not self._in_flight:
            self._ended.set()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            control = self._records.control
            if os.getppid() != self._parent:
                control = STOP  # nobody is left to read what we write
            if control == STOP:
                self._is_sending = False
                self._ended.set()
                return
            if control == FINISH and self._is_sending:
                self._stop_sending()
            assert control in (GO_ON, FINISH)
            self._expire()

    def _expire(self) -> None:
        oldest_allowed = time.monotonic() - self._load.timeout_s
        expired = []
        for index, sent_s in self._in_flight.items():
            if sent_s > oldest_allowed:
                break
            expired.append(index)
        for index in expired:
            self._sender.abandon(index)
            self.finish(index, DeadlineExceededError(f"no answer within {self._load.timeout_s:g} s"))
