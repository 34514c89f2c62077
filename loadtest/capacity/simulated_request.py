"""One request on its way through a simulated replica."""

from __future__ import annotations


class SimulatedRequest:
    """Mutable, and without a dataclass's comforts: a simulation makes hundreds of thousands of them."""

    __slots__ = (
        "failed",
        "missing_inputs",
        "number",
        "replica",
        "scheduled_ms",
        "shape",
        "stages_left",
        "waiting_since_ms",
    )

    def __init__(
        self, number: int, scheduled_ms: float, shape: int, missing_inputs: list[int], replica: int, stages_left: int
    ) -> None:
        self.number = number
        self.scheduled_ms = scheduled_ms
        self.shape = shape
        self.missing_inputs = missing_inputs
        """By stage: how many of the stages before it are not done yet."""
        self.replica = replica
        self.stages_left = stages_left
        self.waiting_since_ms: dict[int, float] = {}
        """By stage, while it waits there: since when. The heads' queues hold one request at the same time."""
        self.failed = False
