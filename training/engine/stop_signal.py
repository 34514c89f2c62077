"""Ctrl-C and SIGTERM as a wish that the loop grants between two steps."""

import os
import signal
import threading
import time
from types import FrameType, TracebackType

SAME_WISH_S = 2.0
"""Signals so soon after the first are the same wish: torchrun passes on a Ctrl-C that the terminal has sent already."""


class StopSignal:
    """Within `with`, the first SIGINT or SIGTERM is noted; a later one ends the process as it would have anyway."""

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._received_at_s = 0.0
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> "StopSignal":
        # Python lets only the main thread handle signals; elsewhere they keep their meaning.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in self._SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self.received, self._received_at_s = signal.Signals(number), time.monotonic()
        elif time.monotonic() - self._received_at_s > SAME_WISH_S:
            self._restore()
            os.kill(os.getpid(), number)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before = {}


def leave_signals_to_the_parent() -> None:
    """In a loader's process: Ctrl-C reaches the whole group, but the step that runs still needs its data."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # by which the parent ends it
