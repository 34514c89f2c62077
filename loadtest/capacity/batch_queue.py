"""The queue before a stage and the rule by which a batch is taken from it: Triton's dynamic batcher."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from loadtest.capacity.simulated_request import SimulatedRequest
from loadtest.capacity.stage_profile import StageProfile

_ROUNDING_MS = 1e-6


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the head of the queue."""

    batch: list[SimulatedRequest]
    refused: list[SimulatedRequest]
    """Waited longer than the stage's timeout."""
    look_again_ms: float | None
    """No batch yet: when the oldest has waited long enough."""


class BatchQueue:
    """Waiting requests, oldest first.

    - A batch is a run from the front of the queue of one shape: tensors of different shapes cannot be stacked, and the
      batcher does not look past the first that does not fit.
    - With preferred sizes, the largest that can be filled goes at once, unless the oldest has waited for the delay.
    - Otherwise what is there goes when it cannot grow (full, or the next has another shape), or when the oldest has
      waited for the queue delay, which may be none.
    """

    def __init__(self, stage: StageProfile, index: int) -> None:
        self._stage = stage
        self._index = index
        self._waiting: deque[SimulatedRequest] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, now: float, request: SimulatedRequest) -> bool:
        """Let a request wait; False: the queue is full and it is refused."""
        limit = self._stage.max_queue_size
        if limit and len(self._waiting) >= limit:
            return False
        request.waiting_since_ms[self._index] = now
        self._waiting.append(request)
        return True

    def take(self, now: float) -> Taken:
        """Take a batch for an idle instance, if there is one to take at this time."""
        stage, waiting, index = self._stage, self._waiting, self._index
        refused = []
        if stage.queue_timeout_ms:
            while waiting and now - waiting[0].waiting_since_ms[index] > stage.queue_timeout_ms:
                refused.append(waiting.popleft())
        if not waiting:
            return Taken([], refused, None)
        size, shape, can_grow = 0, waiting[0].shape, True
        for request in waiting:
            if size == stage.max_batch or request.shape != shape:
                can_grow = False
                break
            size += 1
        can_grow = can_grow and size < stage.max_batch
        due = waiting[0].waiting_since_ms[index] + stage.max_queue_delay_ms
        has_waited = bool(stage.max_queue_delay_ms) and now >= due - _ROUNDING_MS
        preferred = max((wish for wish in stage.preferred_batch_sizes if wish <= size), default=0)
        if preferred and not has_waited:
            size = preferred
        elif can_grow and stage.max_queue_delay_ms and not has_waited:
            return Taken([], refused, due)
        return Taken([waiting.popleft() for _ in range(size)], refused, None)
