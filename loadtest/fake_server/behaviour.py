"""What becomes of each request, decided when it arrives; the same over both protocols."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from loadtest.fake_server.options import FakeServerOptions
from loadtest.fake_server.single_server_queue import SingleServerQueue

Outcome = Literal["answer", "error", "rejected", "bad_answer", "never"]

ERROR_TEXT = "the fake server fails as it was told to"
REJECTION_TEXT = "Exceeds maximum queue size"


@dataclass(frozen=True, slots=True)
class Admitted:
    """What becomes of a request.

    Attributes:
        arrival_s: when it came, on the clock of `time.monotonic()`.
        done_s: when to answer, on the same clock.
        outcome: with what.
    """

    arrival_s: float
    done_s: float
    outcome: Outcome


class Behaviour:
    """Counts requests and decides."""

    def __init__(self, options: FakeServerOptions) -> None:
        self._options = options
        self._queue = SingleServerQueue(service_s=options.service_ms / 1e3)
        self.received = 0
        self.succeeded = 0
        self.failed = 0
        self.waiting = 0
        self.total_s = 0.0
        self.queued_s = 0.0

    def admit(self, arrival_s: float) -> Admitted:
        """Decide about a request that has arrived completely."""
        options = self._options
        number = self.received
        self.received += 1
        if options.dies_after and number >= options.dies_after:
            os._exit(1)
        if options.hangs_after and number >= options.hangs_after:
            return Admitted(arrival_s, float("inf"), "never")
        if options.stall_after and number == options.stall_after:
            # Answers that were promised before keep their times: only what comes from now on is held up.
            self._queue.stall(arrival_s, options.stall_s)
        # `waiting` includes the one that is being served.
        if options.max_queue_size and self.waiting > options.max_queue_size:
            return Admitted(arrival_s, arrival_s, "rejected")
        self.waiting += 1
        done_s = self._queue.admit(arrival_s)
        # Evenly: the whole part of the product grows by one at every 1/rate-th request.
        if int((number + 1) * options.error_rate) > int(number * options.error_rate):
            return Admitted(arrival_s, done_s, "error")
        if options.bad_answers_after and number >= options.bad_answers_after:
            return Admitted(arrival_s, done_s, "bad_answer")
        return Admitted(arrival_s, done_s, "answer")

    def count(self, admitted: Admitted) -> None:
        """Note that a request has been answered."""
        if admitted.outcome != "rejected":
            self.waiting -= 1
        if admitted.outcome == "answer":
            self.succeeded += 1
            total_s = admitted.done_s - admitted.arrival_s
            self.total_s += total_s
            self.queued_s += total_s - self._options.service_ms / 1e3
        else:
            self.failed += 1
