"""The seam between this package and TensorRT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from serving.engines.engine_spec import OptimisationProfile


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """Everything that TensorRT needs for one engine."""

    model: str
    """For messages."""
    onnx: bytes
    """Prepared graph: its types are the layers' types."""
    profiles: tuple[OptimisationProfile, ...]
    timing_cache: bytes
    """Timings of kernels from earlier builds on this GPU; empty for none."""


@dataclass(frozen=True)
class BuiltEngine:
    """What a build gave."""

    plan: bytes
    timing_cache: bytes
    """Timings to begin the next build with."""


class EngineBuilder(Protocol):
    """Turns graphs into engines for the GPU of this machine."""

    @property
    def version(self) -> str:
        """Version of TensorRT; a plan is good for exactly this one."""

    def build(self, request: BuildRequest) -> BuiltEngine:
        """Build one engine; takes minutes.

        Raises:
            EngineBuildError: TensorRT refused the graph, or found no engine.
        """
