"""Random service times around a stage's mean, and each stage's figures looked up once per batch size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from loadtest.capacity.stage_profile import StageProfile

_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class _Execution:
    elapsed_ms: float
    demand: float
    cv: float


class ServiceTimes:
    """Draws the length of one stage's executions."""

    def __init__(self, stage: StageProfile, random: np.random.Generator) -> None:
        self._stage = stage
        self._random = random
        self._by_batch: dict[int, _Execution] = {}
        self._normals: list[float] = []

    def draw(self, batch: int) -> tuple[float, float]:
        """Return milliseconds without contention, and the demand on the resource, of one execution of `batch` items."""
        execution = self._by_batch.get(batch)
        if execution is None:
            execution = _Execution(
                self._stage.elapsed_ms(batch), self._stage.demand(batch), self._stage.cv / math.sqrt(batch)
            )
            self._by_batch[batch] = execution
        if not execution.cv:
            return execution.elapsed_ms, execution.demand
        if self._stage.distribution == "gamma":
            shape = execution.cv**-2
            return execution.elapsed_ms * float(self._random.gamma(shape)) / shape, execution.demand
        if not self._normals:
            self._normals = self._random.standard_normal(_CHUNK).tolist()
        variance = math.log1p(execution.cv**2)  # of the logarithm, for a mean of 1
        factor = math.exp(math.sqrt(variance) * self._normals.pop() - variance / 2)
        return execution.elapsed_ms * factor, execution.demand
