"""Requests arrive, wait, are batched and served: a discrete-event simulation of replicas behind a balancer."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from loadtest.capacity.errors import PlanError
from loadtest.capacity.service_profile import ServiceProfile
from loadtest.capacity.service_time import ServiceTimes
from loadtest.capacity.simulated_replica import Event, SimulatedReplica
from loadtest.capacity.simulated_request import SimulatedRequest

Balancing = Literal["least_request", "round_robin"]
"""How a request finds its replica. `least_request`: the less busy of two chosen at random, as Envoy does."""

WARM_UP_SHARE = 0.1
"""Of the requests, at the beginning: an empty server is no steady state."""


@dataclass(frozen=True, kw_only=True)
class StageLoad:
    """What one stage did in a simulation."""

    name: str
    utilisation: float
    """Part of the time that its instances were occupied, contention included; NaN for a stage without a limit."""
    mean_batch: float
    queue_ms: float
    """Mean wait of a request."""
    refused: int


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """What came out of a simulation, without its warm-up."""

    latencies_ms: npt.NDArray[np.float64]
    """Of the answered requests, in order of their arrival."""
    refused: int
    throughput_per_s: float
    """Answers per second until the last of them; below the rate when the backlog grows."""
    stages: tuple[StageLoad, ...]
    resources: Mapping[str, float]
    """Utilisation of each resource, mean over the replicas."""
    gave_up: bool
    """Ended early since more requests were late than `give_up` allows."""

    @property
    def count(self) -> int:
        """Return how many requests were answered or refused."""
        return len(self.latencies_ms) + self.refused


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """When a simulation may end early: its verdict is known."""

    limit_ms: float
    allowed: int
    """Requests that may take longer than the limit, refused ones included."""


def simulate(
    profile: ServiceProfile,
    *,
    rate_per_s: float,
    requests: int,
    seed: int,
    replicas: int = 1,
    balancing: Balancing = "least_request",
    give_up: tuple[GiveUp, ...] = (),
) -> Simulated:
    """Simulate Poisson arrivals at replicas of a deployment.

    Args:
        profile: One replica.
        rate_per_s: Of all replicas together.
        requests: How many arrive after the warm-up.
        seed: Same seed, same arrivals and same outcome.
        replicas: How many there are, each with resources of its own.
        balancing: Which of them gets a request.
        give_up: End as soon as one of these is exceeded.

    Raises:
        PlanError: The rate or a count is not above 0, or the balancing is unknown.
    """
    if not rate_per_s > 0 or requests < 1 or replicas < 1:
        raise PlanError(
            f"rate, requests and replicas must be above 0, got {rate_per_s} per second, {requests} and {replicas}"
        )
    if balancing not in get_args(Balancing):
        raise PlanError(f"balancing must be one of {get_args(Balancing)}, got {balancing!r}")
    run = _Run(profile, replicas=replicas, balancing=balancing, seed=seed, give_up=give_up)
    return run.open(rate_per_s, requests)


def simulate_callers(profile: ServiceProfile, *, callers: int, requests: int, seed: int) -> Simulated:
    """Simulate a closed loop: callers of one replica who each send the next request when the last is answered.

    Not how users behave, but how a server is measured in seconds; what is fitted is compared with this.

    Raises:
        PlanError: A count is not above 0.
    """
    if callers < 1 or requests < 1:
        raise PlanError(f"callers and requests must be above 0, got {callers} and {requests}")
    return _Run(profile, replicas=1, balancing="round_robin", seed=seed, give_up=()).closed(callers, requests)


class _Run:
    def __init__(
        self,
        profile: ServiceProfile,
        *,
        replicas: int,
        balancing: Balancing,
        seed: int,
        give_up: tuple[GiveUp, ...],
    ) -> None:
        # Arrivals, balancing and each stage draw from streams of their own: a change of one moves no other.
        streams = np.random.default_rng(seed).spawn(2 + len(profile.stages))
        self._profile = profile
        self._arrivals, self._balancer = streams[:2]
        self._balancing = balancing
        self._give_up = give_up
        self._over = [0] * len(give_up)
        self._gave_up = False
        self._events: list[tuple[float, int, Event]] = []
        self._order = count()
        self._first_counted = 0
        self._latencies: list[tuple[int, float]] = []
        self._refused = 0
        self._left = 0
        """Answers of all requests, the warm-up's too."""
        times = [ServiceTimes(stage, stream) for stage, stream in zip(profile.stages, streams[2:], strict=True)]
        self._replicas = [
            SimulatedReplica(profile, times, schedule=self._schedule, finish=self._finish) for _ in range(replicas)
        ]

    def open(self, rate_per_s: float, requests: int) -> Simulated:
        self._first_counted = int(requests * WARM_UP_SHARE)
        total = self._first_counted + requests
        arrivals = np.cumsum(self._arrivals.exponential(1e3 / rate_per_s, total)).tolist()
        shapes = self._shapes(total)
        chosen = self._choices(total)
        events, replicas = self._events, self._replicas
        number, now = 0, 0.0
        while not self._gave_up and (number < total or events):
            if number < total and (not events or arrivals[number] <= events[0][0]):
                now = arrivals[number]
                first, second = chosen[number]
                if replicas[second].in_flight < replicas[first].in_flight:
                    first = second
                replicas[first].admit(now, number, shapes[number], first)
                number += 1
            else:
                now, _, event = heapq.heappop(events)
                event.replica.wake(now, event)
        return self._result(now, counted_from_ms=arrivals[self._first_counted])

    def closed(self, callers: int, requests: int) -> Simulated:
        self._first_counted = int(requests * WARM_UP_SHARE)
        total = self._first_counted + requests
        shapes = self._shapes(total)
        (replica,) = self._replicas
        now, counted_from, left_before = 0.0, 0.0, 0
        for number in range(total):
            while replica.in_flight >= callers:
                now, _, event = heapq.heappop(self._events)
                event.replica.wake(now, event)
            if number == self._first_counted:
                counted_from, left_before = now, self._left
            replica.admit(now, number, shapes[number], 0)
        # Whoever is under way at the end stands for whoever was at the beginning.
        return self._result(now, counted_from_ms=counted_from, answered=self._left - left_before)

    def _result(self, now: float, *, counted_from_ms: float, answered: int | None = None) -> Simulated:
        self._latencies.sort()
        latencies = np.array([latency for _, latency in self._latencies])
        answered = len(latencies) if answered is None else answered
        return Simulated(
            latencies_ms=latencies,
            refused=self._refused,
            throughput_per_s=1e3 * answered / max(1e-9, now - counted_from_ms),
            stages=self._stage_loads(now),
            resources=self._utilisations(now),
            gave_up=self._gave_up,
        )

    def _shapes(self, total: int) -> list[int]:
        shares = np.asarray(self._profile.shape_shares)
        return [int(shape) for shape in self._arrivals.choice(len(shares), size=total, p=shares / shares.sum())]

    def _choices(self, total: int) -> list[tuple[int, int]]:
        replicas = len(self._replicas)
        if self._balancing == "round_robin" or replicas == 1:
            return [(k % replicas, k % replicas) for k in range(total)]
        first = self._balancer.integers(replicas, size=total)
        second = (first + self._balancer.integers(1, replicas, size=total)) % replicas  # another one
        return list(zip(first.tolist(), second.tolist(), strict=True))

    def _schedule(self, at: float, event: Event) -> None:
        heapq.heappush(self._events, (at, next(self._order), event))

    def _finish(self, now: float, request: SimulatedRequest) -> None:
        self._left += not request.failed
        if request.number < self._first_counted:
            return
        latency = now - request.scheduled_ms
        if request.failed:
            self._refused += 1
            latency = float("inf")
        else:
            self._latencies.append((request.number, latency))
        for k, give_up in enumerate(self._give_up):
            if latency > give_up.limit_ms:
                self._over[k] += 1
                self._gave_up = self._gave_up or self._over[k] > give_up.allowed

    def _stage_loads(self, now: float) -> tuple[StageLoad, ...]:
        loads = []
        for k, stage in enumerate(self._profile.stages):
            counters = [replica.counters[k] for replica in self._replicas]
            items = max(1, sum(c.items for c in counters))
            capacity_ms = (stage.instances or 0) * len(counters) * now
            loads.append(
                StageLoad(
                    name=stage.name,
                    utilisation=sum(c.busy_ms for c in counters) / capacity_ms if capacity_ms else float("nan"),
                    mean_batch=items / max(1, sum(c.executions for c in counters)),
                    queue_ms=sum(c.queue_ms for c in counters) / items,
                    refused=sum(c.refused for c in counters),
                )
            )
        return tuple(loads)

    def _utilisations(self, now: float) -> dict[str, float]:
        return {
            name: sum(replica.occupied_ms(name) for replica in self._replicas)
            / max(1e-9, resource.capacity * len(self._replicas) * now)
            for name, resource in self._profile.resources.items()
        }
