"""What became of all requests of all workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from loadtest.open_loop.records import ANSWERED, FIRST_ERROR, NOT_SENT, PENDING

# Why sending stopped before the last request.
Stopped = Literal["interrupted", "no_answers", "hopeless", "worker_died"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """One row per request, in the order in which they were due. Seconds run from the start of the load.

    Attributes:
        scheduled_s: when it was due.
        sent_s: when it was sent; NaN where it was not.
        done_s: when it was answered or failed; NaN where neither.
        outcome: PENDING, ANSWERED, NOT_SENT or the number of an error group, see `records`.
        worker_of: which worker sent it.
        photo_of: index of the photo that it sent.
        errors: number of an error group -> (kind, message of the first error).
        stopped: why sending stopped early; None where all was sent.
        stopped_at_s: when; infinity where all was sent.
        ended_at_s: when the last answer was in, or was no longer waited for.
        connections_opened: by all workers, those before the load included.
        processor_s: processor time that the workers took.
        unreachable: (kind, message) where the server could not be reached before the load; there are no rows then.
    """

    scheduled_s: NDArray[np.float64]
    sent_s: NDArray[np.float64]
    done_s: NDArray[np.float64]
    outcome: NDArray[np.int16]
    worker_of: NDArray[np.int16]
    photo_of: NDArray[np.int32]
    errors: dict[int, tuple[str, str]]
    stopped: Stopped | None
    stopped_at_s: float
    ended_at_s: float
    connections_opened: int
    processor_s: float
    unreachable: tuple[str, str] | None = None

    @property
    def latency_ms(self) -> NDArray[np.float64]:
        """From when each request was due to its end; NaN without one."""
        latency: NDArray[np.float64] = (self.done_s - self.scheduled_s) * 1e3
        return latency

    @property
    def lag_ms(self) -> NDArray[np.float64]:
        """From when each request was due to its sending; NaN where it was not sent."""
        lag: NDArray[np.float64] = (self.sent_s - self.scheduled_s) * 1e3
        return lag

    @property
    def is_answered(self) -> NDArray[np.bool_]:
        """Which were answered properly."""
        is_answered: NDArray[np.bool_] = self.outcome == ANSWERED
        return is_answered

    @property
    def is_failed(self) -> NDArray[np.bool_]:
        """Which were sent and failed."""
        is_failed: NDArray[np.bool_] = self.outcome >= FIRST_ERROR
        return is_failed

    @property
    def is_not_sent(self) -> NDArray[np.bool_]:
        """Which the generator could not send."""
        is_not_sent: NDArray[np.bool_] = self.outcome == NOT_SENT
        return is_not_sent

    @property
    def is_pending(self) -> NDArray[np.bool_]:
        """Which had neither an answer nor an error when the run ended."""
        is_pending: NDArray[np.bool_] = self.outcome == PENDING
        return is_pending
