"""A timer for event loops that wakes within some tens of microseconds.

asyncio and libuv count in milliseconds, so their timers come up to a millisecond late: as late as the whole lag that a
load generator may have. Linux has timers that are file descriptors, and a loop wakes at once when one becomes readable.
Elsewhere we sleep until shortly before the time and then spin.
"""

from __future__ import annotations

import asyncio
import ctypes
import ctypes.util
import os
import sys
import time
from collections.abc import Callable
from typing import Protocol

_CLOCK_MONOTONIC = 1  # what time.monotonic() reads on Linux
_TFD_TIMER_ABSTIME = 1
_SPIN_S = 0.0015


class Timer(Protocol):
    """Calls back once after each `arm`."""

    def arm(self, at_s: float) -> None:
        """Call back at this time of `time.monotonic()`, or at once if it has passed; replaces an earlier time."""
        ...

    def close(self) -> None:
        """Never call back again."""
        ...


def open_timer(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> Timer:
    """Return the most precise timer that this system has."""
    if sys.platform == "linux":
        return FileDescriptorTimer(loop, callback)
    return SpinningTimer(loop, callback)


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class FileDescriptorTimer:
    """A timerfd of Linux; see timerfd_create(2). Python 3.13 has it in module os."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._loop = loop
        self._callback = callback
        self._time = _Itimerspec()
        self._time_pointer = ctypes.byref(self._time)
        loop.add_reader(self._descriptor, self._on_readable)

    def arm(self, at_s: float) -> None:
        """See `Timer.arm`."""
        # 0 would disarm; any time in the past fires at once.
        nanoseconds = max(1, int(at_s * 1e9))
        self._time.value.seconds, self._time.value.nanoseconds = divmod(nanoseconds, 1_000_000_000)
        self._libc.timerfd_settime(self._descriptor, _TFD_TIMER_ABSTIME, self._time_pointer, None)

    def _on_readable(self) -> None:
        try:
            os.read(self._descriptor, 8)
        except BlockingIOError:  # armed anew since the loop saw it
            return
        self._callback()

    def close(self) -> None:
        """See `Timer.close`."""
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1


class SpinningTimer:
    """Sleeps until shortly before the time, then lets the loop turn without waiting."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._at_s = 0.0
        self._handle: asyncio.Handle | None = None

    def arm(self, at_s: float) -> None:
        """See `Timer.arm`."""
        self.close()
        self._at_s = at_s
        self._handle = self._loop.call_later(max(0.0, at_s - time.monotonic() - _SPIN_S), self._spin)

    def _spin(self) -> None:
        if time.monotonic() < self._at_s:
            self._handle = self._loop.call_soon(self._spin)
        else:
            self._handle = None
            self._callback()

    def close(self) -> None:
        """See `Timer.close`."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
