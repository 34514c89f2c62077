"""One reading of a server's statistics: counters since each model was loaded, and the graphs of the ensembles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

from loadtest.stages.ensemble_graph import EnsembleGraph


class ModelKey(NamedTuple):
    """A loaded version of a model."""

    name: str
    version: str

    def __str__(self) -> str:
        """Return e.g. `backbone version 3`."""
        return f"{self.name} version {self.version}"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many, and nanoseconds in all."""

    count: int = 0
    ns: int = 0

    def __sub__(self, other: Tally) -> Tally:
        return Tally(self.count - other.count, self.ns - other.ns)

    @property
    def is_negative(self) -> bool:
        """Whether a difference shows that the counter was reset."""
        return self.count < 0 or self.ns < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCounters:
    """Executions of one batch size. The count is of executions, the time is that of executions."""

    compute_input: Tally = Tally()
    compute_infer: Tally = Tally()
    compute_output: Tally = Tally()

    def __sub__(self, other: BatchCounters) -> BatchCounters:
        return BatchCounters(
            **{field.name: getattr(self, field.name) - getattr(other, field.name) for field in fields(self)}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCounters:
    """Counters of one model, in Triton's words. The tallies are of requests, each with its batch's whole time.

    `success` and `queue` include requests that the response cache answered; the `compute_...` do not.
    """

    inference_count: int = 0
    execution_count: int = 0
    success: Tally = Tally()
    fail: Tally = Tally()
    queue: Tally = Tally()
    compute_input: Tally = Tally()
    compute_infer: Tally = Tally()
    compute_output: Tally = Tally()
    cache_hit: Tally = Tally()
    cache_miss: Tally = Tally()
    batches: Mapping[int, BatchCounters]

    def __sub__(self, other: ModelCounters) -> ModelCounters:
        plain = {
            field.name: getattr(self, field.name) - getattr(other, field.name)
            for field in fields(self)
            if field.name != "batches"
        }
        batches = {
            size: counters - other.batches.get(size, BatchCounters()) for size, counters in sorted(self.batches.items())
        }
        return ModelCounters(**plain, batches=batches)

    @property
    def was_reset(self) -> bool:
        """Of a difference: whether any counter went backwards, which only a new start of the model does."""
        tallies = (getattr(self, field.name) for field in fields(self))
        return any(
            tally.is_negative if isinstance(tally, Tally) else isinstance(tally, int) and tally < 0 for tally in tallies
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSnapshot:
    """A reading.

    Attributes:
        taken_s: when, on this machine's monotonic clock.
        models: counters of every loaded model.
        ensembles: the graphs of those of them that are ensembles.
    """

    taken_s: float
    models: Mapping[ModelKey, ModelCounters]
    ensembles: Mapping[ModelKey, EnsembleGraph]
