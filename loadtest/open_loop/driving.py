"""Starts the workers, watches them, and collects what they have written down. Always ends, whatever happens to them."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Protocol

import numpy as np

from loadtest.interrupt import Interrupt
from loadtest.open_loop.live import Live, LiveView
from loadtest.open_loop.load import Load
from loadtest.open_loop.records import FINISH, FIRST_ERROR, NOT_SENT, PENDING, STOP, Records
from loadtest.open_loop.samples import Samples, Stopped
from loadtest.open_loop.worker import Done, NewError, Ready, Unreachable, work

# Until a worker has imported its libraries; the time to reach the server comes on top.
_STARTING_S = 60.0
# From the word to start to the start.
_LEAD_S = 0.1
# How long answers are waited for after Ctrl-C; a second Ctrl-C ends that, too.
_WAIT_AFTER_INTERRUPT_S = 5.0
# Beyond the last deadline, for workers to end.
_GRACE_S = 5.0
_POLL_S = 0.02
_LOOK_S = 0.25

# Outcome numbers of different workers are kept apart by this stride.
_STRIDE = 128


class Observer(Protocol):
    """Is told about the load while it runs."""

    def on_live(self, live: Live) -> None:
        """See the state; called a few times per second."""
        ...

    def on_window_start(self) -> None:
        """The measured window begins."""
        ...

    def on_window_end(self) -> None:
        """The measured window is over, or the load stops within it."""
        ...


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    load: Load
    records: Records
    is_ready: bool = False
    unreachable: Unreachable | None = None
    done: Done | None = None

    @property
    def has_ended(self) -> bool:
        return self.done is not None or self.unreachable is not None or not self.process.is_alive()


def drive(
    load: Load,
    *,
    workers: int,
    window_s: tuple[float, float],
    observer: Observer,
    interrupt: Interrupt,
    give_up_after_s: float,
    is_hopeless: Callable[[Samples], bool] | None = None,
) -> Samples:
    """Generate a load.

    Args:
        load: what to send.
        workers: processes that share it.
        window_s: start and end of the measured window, for the observer.
        observer: is told what happens.
        interrupt: looked at all the time.
        give_up_after_s: the load stops when requests fail and none was answered for this long.
        is_hopeless: looked at about every second with what there is by then; ends the load when it returns True.
    """
    team = _start(load, workers)
    errors: dict[int, tuple[str, str]] = {}
    try:
        stopped = _await_ready(team, errors, interrupt, load.timeout_s)
        if stopped is not None or any(worker.unreachable for worker in team):
            return _collect(team, errors, start_at_s=None, stopped=stopped, stopped_at_s=0.0)
        start_at_s = time.monotonic() + _LEAD_S
        for worker in team:
            worker.pipe.send(start_at_s)
        shift = _Shift(team, errors, start_at_s, load, window_s, observer, interrupt, give_up_after_s, is_hopeless)
        shift.run()
        return _collect(
            team, errors, start_at_s=start_at_s, stopped=shift.stopped, stopped_at_s=shift.stopped_at_s - start_at_s
        )
    finally:
        for worker in team:
            if worker.process.is_alive() and worker.done is not None:
                worker.process.join(timeout=2)
            if worker.process.is_alive():
                worker.process.kill()
            worker.process.join()
            worker.pipe.close()


def _start(load: Load, workers: int) -> list[_Worker]:
    # Not forked: gRPC's threads do not survive that, and the workers shall be small.
    context = multiprocessing.get_context("spawn")
    team = []
    # Inherited by the workers: Ctrl-C is the parent's business from their first instruction on.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        for number in range(workers):
            share = load.share_of(number, workers)
            records = Records(context, len(share.scheduled_s))
            here, there = context.Pipe()
            process = context.Process(
                target=work, args=(share, records, there, number == 0), name=f"loadtest-{number}", daemon=True
            )
            process.start()
            there.close()
            team.append(_Worker(process, here, share, records))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    return team


def _receive(team: list[_Worker], errors: dict[int, tuple[str, str]]) -> None:
    """Read all messages that have come."""
    for number, worker in enumerate(team):
        try:
            while worker.pipe.poll():
                match worker.pipe.recv():
                    case Ready():
                        worker.is_ready = True
                    case Unreachable() as unreachable:
                        worker.unreachable = unreachable
                    case NewError(outcome, kind, message):
                        errors[number * _STRIDE + outcome] = (kind, message)
                    case Done() as done:
                        worker.done = done
        except (EOFError, OSError):  # it has ended; `has_ended` says how
            continue


def _await_ready(
    team: list[_Worker], errors: dict[int, tuple[str, str]], interrupt: Interrupt, timeout_s: float
) -> Stopped | None:
    give_up_at_s = time.monotonic() + _STARTING_S + 4 * timeout_s
    while not all(worker.is_ready for worker in team):
        _receive(team, errors)
        if any(worker.unreachable for worker in team):
            return None
        if interrupt.count:
            return "interrupted"
        if time.monotonic() > give_up_at_s or any(worker.has_ended for worker in team):
            _receive(team, errors)
            return None if any(worker.unreachable for worker in team) else "worker_died"
        time.sleep(_POLL_S)
    return None


class _Shift:
    """Watches a load from its start to its end."""

    def __init__(
        self,
        team: list[_Worker],
        errors: dict[int, tuple[str, str]],
        start_at_s: float,
        load: Load,
        window_s: tuple[float, float],
        observer: Observer,
        interrupt: Interrupt,
        give_up_after_s: float,
        is_hopeless: Callable[[Samples], bool] | None,
    ) -> None:
        self._team = team
        self._errors = errors
        self._start_at_s = start_at_s
        self._timeout_s = load.timeout_s
        self._window_s = window_s
        self._observer = observer
        self._interrupt = interrupt
        self._give_up_after_s = give_up_after_s
        self._is_hopeless = is_hopeless
        last_due_s = float(load.scheduled_s[-1]) if len(load.scheduled_s) else 0.0
        self._end_by_s = start_at_s + last_due_s + load.timeout_s + _GRACE_S
        self._has_window_begun = self._is_window_over = False
        self.stopped: Stopped | None = None
        self.stopped_at_s = float("inf")

    def run(self) -> None:
        """Return when all workers have ended or may be killed."""
        view = LiveView(
            [worker.load for worker in self._team], [worker.records for worker in self._team], self._start_at_s
        )
        next_look_s = self._start_at_s
        looks = 0
        while True:
            _receive(self._team, self._errors)
            now_s = time.monotonic()
            self._tell_about_window(now_s)
            if all(worker.has_ended for worker in self._team):
                _receive(self._team, self._errors)
                break
            if now_s > self._end_by_s + _GRACE_S:  # they do not even hear STOP
                break
            if self._interrupt.count > 1 or now_s > self._end_by_s:
                self._tell(STOP)
            if self._interrupt.count and self.stopped != "interrupted":
                self._stop("interrupted", now_s)
                self._end_by_s = min(self._end_by_s, now_s + _WAIT_AFTER_INTERRUPT_S)
            if self.stopped is None and any(w.done is None and not w.process.is_alive() for w in self._team):
                _receive(self._team, self._errors)
                if any(w.done is None and not w.process.is_alive() for w in self._team):
                    self._stop("worker_died", now_s)
            if now_s >= next_look_s:
                next_look_s = now_s + _LOOK_S
                looks += 1
                self._look(view, now_s, is_thorough=looks % 4 == 0)
            time.sleep(_POLL_S)
        if self.stopped is None and any(worker.done is None for worker in self._team):
            self._stop("worker_died", time.monotonic())
        if self._has_window_begun and not self._is_window_over:
            self._observer.on_window_end()

    def _look(self, view: LiveView, now_s: float, *, is_thorough: bool) -> None:
        if now_s < self._start_at_s:
            return
        self._observer.on_live(view.read(now_s))
        if self.stopped is not None:
            return
        if view.has_failed_since and now_s - view.last_answer_s > self._give_up_after_s:
            self._stop("no_answers", now_s)
        elif is_thorough and self._is_hopeless is not None:
            so_far = _collect(
                self._team, self._errors, start_at_s=self._start_at_s, stopped=None, stopped_at_s=float("inf")
            )
            if self._is_hopeless(so_far):
                self._stop("hopeless", now_s)

    def _tell_about_window(self, now_s: float) -> None:
        start_s, end_s = (self._start_at_s + at_s for at_s in self._window_s)
        if not self._has_window_begun and now_s >= start_s and self.stopped is None:
            self._has_window_begun = True
            self._observer.on_window_start()
        is_over = now_s >= end_s or self.stopped is not None
        if self._has_window_begun and not self._is_window_over and is_over:
            self._is_window_over = True
            self._observer.on_window_end()

    def _stop(self, reason: Stopped, now_s: float) -> None:
        self.stopped_at_s = min(self.stopped_at_s, now_s)
        self.stopped = reason
        self._end_by_s = min(self._end_by_s, now_s + self._timeout_s + _GRACE_S)
        self._tell(FINISH)

    def _tell(self, control: int) -> None:
        for worker in self._team:
            worker.records.control = max(worker.records.control, control)


def _collect(
    team: list[_Worker],
    errors: dict[int, tuple[str, str]],
    *,
    start_at_s: float | None,
    stopped: Stopped | None,
    stopped_at_s: float,
) -> Samples:
    """Put the records of all workers in the order in which their requests were due."""
    now_s = time.monotonic()
    if start_at_s is None:  # it never started
        team_with_rows: list[_Worker] = []
        start_at_s = now_s
    else:
        team_with_rows = team
    parts: dict[str, list[np.ndarray]] = {  # type: ignore[type-arg]
        name: [np.empty(0)] for name in ("scheduled_s", "sent_s", "done_s", "outcome", "worker_of", "photo_of")
    }
    for number, worker in enumerate(team_with_rows):
        outcome = worker.records.outcome().astype(np.int16)
        # Read before the times: what is written as ended here has its times by then.
        sent_s, done_s = worker.records.sent_s() - start_at_s, worker.records.done_s() - start_at_s
        sent_s[worker.records.sent_s() == 0] = np.nan
        done_s[outcome == PENDING] = np.nan
        is_dead = worker.done is None and not worker.process.is_alive()
        if is_dead:
            outcome[outcome == PENDING] = NOT_SENT
        outcome[outcome >= FIRST_ERROR] += number * _STRIDE
        parts["scheduled_s"].append(worker.load.scheduled_s)
        parts["sent_s"].append(sent_s)
        parts["done_s"].append(done_s)
        parts["outcome"].append(outcome)
        parts["worker_of"].append(np.full(len(outcome), number))
        parts["photo_of"].append(worker.load.photo_of)
    joined = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    order = np.argsort(joined["scheduled_s"], kind="stable")
    unreachable = next((worker.unreachable for worker in team if worker.unreachable), None)
    return Samples(
        scheduled_s=joined["scheduled_s"][order],
        sent_s=joined["sent_s"][order],
        done_s=joined["done_s"][order],
        outcome=joined["outcome"][order].astype(np.int16),
        worker_of=joined["worker_of"][order].astype(np.int16),
        photo_of=joined["photo_of"][order].astype(np.int32),
        errors=dict(errors),
        stopped=stopped,
        stopped_at_s=stopped_at_s,
        ended_at_s=now_s - start_at_s,
        connections_opened=sum(worker.done.connections_opened for worker in team if worker.done),
        processor_s=sum(worker.done.processor_s for worker in team if worker.done),
        unreachable=(unreachable.kind, unreachable.message) if unreachable else None,
    )
