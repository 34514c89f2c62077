"""What happened to each request, in memory that a worker and its parent share.

The parent can thus watch without taking the worker's time, and loses nothing when a worker dies.
"""

from __future__ import annotations

import ctypes
from multiprocessing.context import BaseContext
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Values of `outcome`; each error group of a worker has a value of its own from FIRST_ERROR on.
PENDING = 0
ANSWERED = 1
NOT_SENT = 2
FIRST_ERROR = 3
LAST_ERROR = 127  # int8

# Values of `control`.
GO_ON = 0
FINISH = 1  # send nothing more, wait for the answers
STOP = 2  # do not even wait


class Records:
    """The records of one worker. Times are of `time.monotonic()`, which all processes of a machine share."""

    def __init__(self, context: BaseContext, count: int) -> None:
        self.count = count
        size = max(1, count)
        self._sent_s: Any = context.RawArray(ctypes.c_double, size)
        self._done_s: Any = context.RawArray(ctypes.c_double, size)
        self._outcome: Any = context.RawArray(ctypes.c_int8, size)
        self._control: Any = context.RawValue(ctypes.c_int, GO_ON)

    def sent_s(self) -> NDArray[np.float64]:
        """When each request was sent; 0 for not yet."""
        return np.frombuffer(self._sent_s, dtype=np.float64)[: self.count]

    def done_s(self) -> NDArray[np.float64]:
        """When each request was answered or failed; 0 for not yet."""
        return np.frombuffer(self._done_s, dtype=np.float64)[: self.count]

    def outcome(self) -> NDArray[np.int8]:
        """What became of each request; written after the times."""
        return np.frombuffer(self._outcome, dtype=np.int8)[: self.count]

    def views(self) -> tuple[memoryview[float], memoryview[float], memoryview[int]]:
        """Return sent_s, done_s and outcome for single values, which numpy is slow at."""
        return (
            memoryview(self._sent_s).cast("B").cast("d"),
            memoryview(self._done_s).cast("B").cast("d"),
            memoryview(self._outcome).cast("B").cast("b"),
        )

    @property
    def control(self) -> int:
        """What the parent wants."""
        value: int = self._control.value
        return value

    @control.setter
    def control(self, value: int) -> None:
        self._control.value = value
