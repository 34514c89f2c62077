"""One stage of the network: what it costs, how it batches, how many instances it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loadtest.capacity.errors import ProfileError
from loadtest.capacity.service_curve import ServiceCurve

Distribution = Literal["lognormal", "gamma"]
"""Of the service time around its mean. Gamma with cv 1 is the exponential distribution; cv 0 is no variation."""

OWN_DEVICE = "own"
"""The resource of a stage that shares nothing with others: a process on a machine of its own, or waiting."""


@dataclass(frozen=True, kw_only=True)
class StageProfile:
    """What the simulation knows of one stage; the queue's settings mean what they mean in a Triton config."""

    name: str

    elapsed_ms: ServiceCurve
    """Time that an execution holds its instance while nothing else runs, by batch size."""

    work_ms: ServiceCurve
    """Of the resource, by batch size: core-milliseconds on a CPU. More than `elapsed_ms`: several cores at once."""

    after: tuple[str, ...] = ()
    """The stages whose outputs it reads; it starts when the last of them is done."""

    resource: str = "cpu"
    """Which of the profile's resources it works on, or `own`."""

    instances: int | None = 1
    """Executions side by side; None: no limit and no queue, like a client's own work per request."""

    max_batch: int = 1
    preferred_batch_sizes: tuple[int, ...] = ()
    max_queue_delay_ms: float = 0.0
    max_queue_size: int = 0
    """Requests that may wait; one more is refused. 0: no limit."""

    queue_timeout_ms: float = 0.0
    """Whoever has waited longer when a batch is taken is refused. 0: no limit."""

    cv: float = 0.0
    """Standard deviation over mean of the service time of one item; a batch of b independent items has cv / sqrt(b)."""

    distribution: Distribution = "lognormal"

    def __post_init__(self) -> None:
        where = f"stage '{self.name}'"
        if self.instances is not None and self.instances < 1:
            raise ProfileError(f"{where}: instances must be 1 or more, or null for no limit; got {self.instances}")
        if self.max_batch < 1:
            raise ProfileError(f"{where}: max_batch must be 1 or more, got {self.max_batch}")
        if any(not 1 <= size <= self.max_batch for size in self.preferred_batch_sizes):
            raise ProfileError(
                f"{where}: preferred_batch_sizes must be between 1 and max_batch ({self.max_batch}),"
                f" got {list(self.preferred_batch_sizes)}"
            )
        for name in ("max_queue_delay_ms", "max_queue_size", "queue_timeout_ms", "cv"):
            if not getattr(self, name) >= 0:
                raise ProfileError(f"{where}: {name} must be 0 or more, got {getattr(self, name)}")
        if self.distribution not in ("lognormal", "gamma"):
            raise ProfileError(f"{where}: distribution must be lognormal or gamma, got {self.distribution!r}")

    def demand(self, batch: int) -> float:
        """Return how much of the resource an execution occupies while nothing slows it down: cores, on a CPU."""
        elapsed = self.elapsed_ms(batch)
        return self.work_ms(batch) / elapsed if elapsed > 0 else 0.0
