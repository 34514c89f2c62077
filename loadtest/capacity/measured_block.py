"""What a stretch of calls cost, in time and in CPU time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtest.capacity.errors import MeasurementError
from loadtest.capacity.server_processes import SERVER_ITSELF
from loadtest.results import BatchRow, StageTable

CLIENT = "client"
"""The key of the calling process among those whose CPU time is known."""


@dataclass(frozen=True, kw_only=True)
class MeasuredBlock:
    """A stretch of equal calls."""

    calls: int
    mean_ms: float
    """Of a call, as the caller saw it."""
    table: StageTable
    cpu_ms: Mapping[str, float]
    """By model, `SERVER_ITSELF` and `CLIENT`; without the server's where it runs on another machine."""

    def executions(self, model: str) -> int:
        """Return how many times a model ran."""
        return sum(batch.executions for batch in self._batches(model))

    def elapsed_ms(self, model: str) -> float:
        """Return the mean time of an execution of a model."""
        batches = self._batches(model)
        total = sum((batch.input_ms + batch.infer_ms + batch.output_ms) * batch.executions for batch in batches)
        return total / self.executions(model)

    def work_ms(self, model: str, models: Sequence[str]) -> float:
        """Return the CPU time of an execution: its own processes', and its part of what tritonserver spends on copying.

        Args:
            model: Whose.
            models: All that ran.
        """
        copying = {name: self._copying_ms(name) for name in models}
        of_server = self.cpu_ms.get(SERVER_ITSELF, 0.0) * copying[model] / (sum(copying.values()) or 1.0)
        return (self.cpu_ms[model] + of_server) / self.executions(model)

    def _copying_ms(self, model: str) -> float:
        """Return the time in which Triton's own process handed tensors to and from a model."""
        return sum((batch.input_ms + batch.output_ms) * batch.executions for batch in self._batches(model))

    def _batches(self, model: str) -> tuple[BatchRow, ...]:
        batches = next((row.batches for row in self.table.rows if row.model == model), ())
        if not batches:
            raise MeasurementError(
                f"{model} did not run for {self.calls} calls: measure a server without a response cache, which nobody"
                " else calls or restarts meanwhile"
            )
        return batches
