"""Cores, or a GPU, shared by whatever runs at the moment: processor sharing."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

from loadtest.capacity.errors import ProfileError

Job = TypeVar("Job")
_FINISHED_MS = 1e-6


@dataclass(frozen=True, kw_only=True)
class ResourceProfile:
    """How much there is of a resource, and how much of it is lost when more is asked for."""

    capacity: float
    """Cores; 1 for a GPU."""

    efficiency: float = 1.0
    """What is left of the capacity while more is asked for than there is: threads that work in step wait for the one
    that was interrupted, caches are shared, and switching costs."""

    def __post_init__(self) -> None:
        if not self.capacity > 0:
            raise ProfileError(f"a resource's capacity must be above 0, got {self.capacity}")
        if not 0 < self.efficiency <= 1:
            raise ProfileError(f"a resource's efficiency must be above 0 and at most 1, got {self.efficiency}")

    def rate(self, demand: float) -> float:
        """Return the speed of every job while jobs ask for `demand` in all; 1 as long as there is enough for all.

        Beyond, a fair scheduler divides what is left; the loss sets in over one further unit of demand.
        """
        excess = demand - self.capacity
        if excess <= 0:
            return 1.0
        return (1.0 - (1.0 - self.efficiency) * min(1.0, excess)) * self.capacity / demand


class SharedResource(Generic[Job]):
    """Runs jobs at one common, changing speed.

    All jobs advance alike, so one virtual clock suffices: a job is done when the clock has advanced by its length. That
    makes a start or an end cost O(log jobs), whatever the speed does in between.
    """

    def __init__(self, profile: ResourceProfile) -> None:
        self._profile = profile
        self._jobs: list[tuple[float, int, float, Job]] = []
        self._order = count()
        self._clock = 0.0
        self._now = 0.0
        self._rate = 1.0
        self.demand = 0.0
        self.busy = 0.0
        """Integral of the occupied capacity over time: core-milliseconds."""

    def start(self, now: float, length: float, demand: float, job: Job) -> None:
        """Start a job that takes `length` ms when nothing slows it and occupies `demand` of the capacity."""
        self._advance(now)
        heapq.heappush(self._jobs, (self._clock + length, next(self._order), demand, job))
        self.demand += demand
        self._rate = self._profile.rate(self.demand)

    def finished(self, now: float) -> list[Job]:
        """Take out and return the jobs that are done by `now`."""
        self._advance(now)
        jobs = self._jobs
        done = []
        while jobs and jobs[0][0] - self._clock <= _FINISHED_MS:
            _, _, demand, job = heapq.heappop(jobs)
            self.demand -= demand
            done.append(job)
        if not jobs:
            self.demand = 0.0  # no drift by rounding
        self._rate = self._profile.rate(self.demand)
        return done

    def next_end(self) -> float | None:
        """Return when the next job ends if nothing changes, or None when idle."""
        if not self._jobs:
            return None
        return self._now + max(0.0, self._jobs[0][0] - self._clock) / self._rate

    def _advance(self, now: float) -> None:
        passed = now - self._now
        if passed > 0:
            self._clock += passed * self._rate
            self.busy += passed * min(self.demand, self._profile.capacity)
            self._now = now
