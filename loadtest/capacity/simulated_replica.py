"""One replica in the simulation: its queues, its instances, its share of nobody else's cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from loadtest.capacity.batch_queue import BatchQueue
from loadtest.capacity.service_profile import ServiceProfile
from loadtest.capacity.service_time import ServiceTimes
from loadtest.capacity.shared_resource import SharedResource
from loadtest.capacity.simulated_request import SimulatedRequest
from loadtest.capacity.stage_profile import OWN_DEVICE

Execution = tuple[int, list[SimulatedRequest], float]
"""Stage, batch, when it started."""


@dataclass(slots=True)
class StageCounters:
    """Sums over one stage of one replica."""

    executions: int = 0
    items: int = 0
    refused: int = 0
    busy_ms: float = 0.0
    """Summed over its instances."""
    queue_ms: float = 0.0
    """Summed over its requests."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that will happen at a replica."""

    kind: Literal["resource", "end", "delay"]
    replica: SimulatedReplica
    name: str = ""
    version: int = 0
    execution: Execution | None = None
    stage: int = 0


@dataclass(slots=True)
class _Shared:
    resource: SharedResource[Execution]
    version: int = 0
    changed: bool = False


@dataclass(slots=True)
class _Stage:
    queue: BatchQueue
    times: ServiceTimes
    resource: str
    idle: int | None
    followers: list[int] = field(default_factory=list)
    counters: StageCounters = field(default_factory=StageCounters)
    awaited_delay_ms: float = -1.0


class SimulatedReplica:
    """Moves requests from stage to stage. Time comes from outside: `schedule` is asked for every wake-up."""

    def __init__(
        self,
        profile: ServiceProfile,
        times: Sequence[ServiceTimes],
        *,
        schedule: Callable[[float, Event], None],
        finish: Callable[[float, SimulatedRequest], None],
    ) -> None:
        self._schedule = schedule
        self._finish = finish
        self._shared = {name: _Shared(SharedResource(resource)) for name, resource in profile.resources.items()}
        index = {stage.name: k for k, stage in enumerate(profile.stages)}
        self._stages = [
            _Stage(BatchQueue(stage, k), times[k], stage.resource, stage.instances)
            for k, stage in enumerate(profile.stages)
        ]
        self._missing_inputs = [len(stage.after) for stage in profile.stages]
        self._entries = [k for k, stage in enumerate(profile.stages) if not stage.after]
        for k, stage in enumerate(profile.stages):
            for name in stage.after:
                self._stages[index[name]].followers.append(k)
        self.in_flight = 0

    @property
    def counters(self) -> list[StageCounters]:
        """Return the sums of each stage, in the profile's order."""
        return [stage.counters for stage in self._stages]

    def occupied_ms(self, name: str) -> float:
        """Return how much of a resource was occupied so far: capacity × milliseconds."""
        return self._shared[name].resource.busy

    def admit(self, now: float, number: int, shape: int, replica: int) -> None:
        """Let a request arrive."""
        self.in_flight += 1
        request = SimulatedRequest(number, now, shape, list(self._missing_inputs), replica, len(self._stages))
        for stage in self._entries:
            self._arrive(now, stage, request)
        self._plan_wake_ups()

    def wake(self, now: float, event: Event) -> None:
        """Let an event happen that was scheduled before."""
        if event.kind == "resource":
            shared = self._shared[event.name]
            if event.version != shared.version:
                return  # the speed has changed since: another event stands for it
            shared.changed = True
            for execution in shared.resource.finished(now):
                self._end(now, execution)
        elif event.kind == "end":
            assert event.execution is not None
            self._end(now, event.execution)
        else:
            self._stages[event.stage].awaited_delay_ms = -1.0
            self._start_batches(now, event.stage)
        self._plan_wake_ups()

    def _arrive(self, now: float, index: int, request: SimulatedRequest) -> None:
        stage = self._stages[index]
        if stage.idle is None:
            self._start(now, index, [request])
        elif stage.queue.offer(now, request):
            if stage.idle:
                self._start_batches(now, index)
        else:
            self._refuse(now, index, request)

    def _start_batches(self, now: float, index: int) -> None:
        stage = self._stages[index]
        while stage.idle and len(stage.queue):
            taken = stage.queue.take(now)
            for request in taken.refused:
                self._refuse(now, index, request)
            if not taken.batch:
                if taken.look_again_ms is not None and stage.awaited_delay_ms != taken.look_again_ms:
                    stage.awaited_delay_ms = taken.look_again_ms
                    self._schedule(taken.look_again_ms, Event("delay", self, stage=index))
                return
            for request in taken.batch:
                stage.counters.queue_ms += now - request.waiting_since_ms[index]
            stage.idle -= 1
            self._start(now, index, taken.batch)

    def _start(self, now: float, index: int, batch: list[SimulatedRequest]) -> None:
        stage = self._stages[index]
        length, demand = stage.times.draw(len(batch))
        execution = (index, batch, now)
        if stage.resource == OWN_DEVICE:
            self._schedule(now + length, Event("end", self, execution=execution))
            return
        shared = self._shared[stage.resource]
        shared.resource.start(now, length, demand, execution)
        shared.changed = True

    def _end(self, now: float, execution: Execution) -> None:
        index, batch, started = execution
        stage = self._stages[index]
        counters = stage.counters
        counters.executions += 1
        counters.items += len(batch)
        counters.busy_ms += now - started
        if stage.idle is not None:
            stage.idle += 1
        for request in batch:
            request.stages_left -= 1
            for follower in stage.followers:
                request.missing_inputs[follower] -= 1
                if not request.missing_inputs[follower] and not request.failed:
                    self._arrive(now, follower, request)
            if not request.stages_left and not request.failed:
                self._leave(now, request)
        if stage.idle:
            self._start_batches(now, index)

    def _refuse(self, now: float, index: int, request: SimulatedRequest) -> None:
        self._stages[index].counters.refused += 1
        if not request.failed:  # beside it, another stage may have refused it already
            request.failed = True
            self._leave(now, request)

    def _leave(self, now: float, request: SimulatedRequest) -> None:
        self.in_flight -= 1
        self._finish(now, request)

    def _plan_wake_ups(self) -> None:
        for name, shared in self._shared.items():
            if shared.changed:
                shared.changed = False
                shared.version += 1
                next_end = shared.resource.next_end()
                if next_end is not None:
                    self._schedule(next_end, Event("resource", self, name, shared.version))
