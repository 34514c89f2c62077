"""Ctrl-C and `kill` as a wish that is asked for, not an exception that comes anywhere."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Counts SIGINT and SIGTERM while it is entered.

    Attributes:
        count: how many have come: from the first on the work winds up, from the second on it does so without waiting.
    """

    def __init__(self) -> None:
        self.count = 0
        self._earlier: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():  # signal.signal works nowhere else
            for number in _SIGNALS:
                self._earlier[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier.clear()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
