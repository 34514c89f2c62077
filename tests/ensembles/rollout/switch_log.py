"""When each release could answer, seen from the calls that switch it."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from ensembles.rollout.grpc_control import GrpcControl
from tests.ensembles.rollout.callers import Answer


@dataclass(frozen=True)
class Window:
    """One switch of the public ensemble: before it the old release answers, after it the new one."""

    started_s: float
    ended_s: float
    release: int


class SwitchLog:
    """The switches of one ensemble, and the activations around them."""

    def __init__(self) -> None:
        self.windows: list[Window] = []
        self.activations: list[tuple[float, float]] = []

    @contextmanager
    def recording(self, ensemble: str) -> Iterator[None]:
        """Note the time around the one call that gives the public name to another release."""
        load = GrpcControl.load

        def timed(control: GrpcControl, model: str) -> None:
            started_s = time.monotonic()
            load(control, model)
            if model == ensemble:
                ended_s = time.monotonic()
                versions = control.states()[ensemble]
                ready = [version for version, state in versions.items() if state.state == "READY"]
                assert len(ready) == 1, versions
                self.windows.append(Window(started_s, ended_s, ready[0]))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(GrpcControl, "load", timed)
            yield

    def stale(self, answers: Sequence[Answer], *, first_release: int) -> list[Answer]:
        """Answers of a release that was active at no moment between the call and its answer."""
        # From the call that switches to a release, until the call that switches away from it has returned.
        periods = []
        since, release = 0.0, first_release
        for window in self.windows:
            periods.append((release, since, window.ended_s))
            since, release = window.started_s, window.release
        periods.append((release, since, float("inf")))
        return [
            answer
            for answer in answers
            if not any(
                answer.release == release and answer.started_s <= until and answer.ended_s >= since
                for release, since, until in periods
            )
        ]

    @contextmanager
    def activation(self) -> Iterator[None]:
        """Note the time of a whole activation: loading, switching and unloading."""
        started_s = time.monotonic()
        yield
        self.activations.append((started_s, time.monotonic()))

    def split(self, answers: Sequence[Answer]) -> tuple[list[Answer], list[Answer], list[Answer]]:
        """Answers to calls that met a switch, an activation, and neither."""
        switches = [(window.started_s, window.ended_s) for window in self.windows]
        return (
            [answer for answer in answers if _meets(answer, switches)],
            [answer for answer in answers if _meets(answer, self.activations)],
            [answer for answer in answers if not _meets(answer, self.activations)],
        )


def _meets(answer: Answer, periods: Sequence[tuple[float, float]]) -> bool:
    return any(answer.started_s <= until and answer.ended_s >= since for since, until in periods)
