"""The graph of an ensemble's steps, and the longest path through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LATEST = "-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleStep:
    """A step.

    Attributes:
        model: the composing model.
        version: the pinned version, or `LATEST`.
        after: indices of the steps whose outputs it needs.
    """

    model: str
    version: str
    after: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleGraph:
    """The steps in the order of the configuration, which need not be the order in which they run."""

    steps: tuple[EnsembleStep, ...]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> EnsembleGraph | None:
        """Read a model's configuration as the server gives it; None for a model that is no ensemble."""
        steps = config.get("ensemble_scheduling", {}).get("step", ())
        if not steps:
            return None
        writers = {tensor: index for index, step in enumerate(steps) for tensor in step.get("output_map", {}).values()}
        return cls(
            steps=tuple(
                EnsembleStep(
                    model=step["model_name"],
                    version=str(step.get("model_version", LATEST)),
                    after=tuple(
                        sorted({writers[tensor] for tensor in step.get("input_map", {}).values() if tensor in writers})
                    ),
                )
                for step in steps
            )
        )

    def critical_path(self, ms_per_step: Sequence[float]) -> tuple[int, ...]:
        """Return the indices of the steps on the path with the largest sum, first step first."""
        best: dict[int, tuple[float, tuple[int, ...]]] = {}

        def longest_to(index: int) -> tuple[float, tuple[int, ...]]:
            if index not in best:
                before = max((longest_to(earlier) for earlier in self.steps[index].after), default=(0.0, ()))
                best[index] = (before[0] + ms_per_step[index], (*before[1], index))
            return best[index]

        return max((longest_to(index) for index in range(len(self.steps))), default=(0.0, ()))[1]
