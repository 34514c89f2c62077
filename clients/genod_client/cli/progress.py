"""Progress on stderr, for commands that take longer than two seconds."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Self

SHOW_AFTER_S = 2.0


class Progress:
    """Counts photos: a bar on a terminal, now and then a line elsewhere, nothing if all is done quickly."""

    def __init__(self, *, total: int, show_after_s: float = SHOW_AFTER_S, activity: str = "detecting") -> None:
        """Prepare.

        Args:
            total: number of photos.
            show_after_s: seconds of silence at the beginning, and between two lines.
            activity: what the bar says is going on.
        """
        self._total = total
        self._done = 0
        self._show_after_s = show_after_s
        self._silent_since_s = time.monotonic()
        self._activity = activity
        self._bar: _Bar | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bar = _Bar(self._total, self._show_after_s, self._activity)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, photo: str) -> None:
        """Count one more photo as done."""
        self._done += 1
        if self._bar is not None:
            self._bar.update(self._done, photo)
        elif (now_s := time.monotonic()) - self._silent_since_s >= self._show_after_s:
            self._silent_since_s = now_s
            print(f"genod: {self._done} of {self._total} photos done", file=sys.stderr, flush=True)


class _Bar:
    """A rich progress bar that appears by itself, even while the first photo is still under way."""

    def __init__(self, total: int, show_after_s: float, activity: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._progress = RichProgress(
            TextColumn(activity),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[photo]}"),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,  # stdout may be a file: the report belongs there
            redirect_stderr=False,
        )
        self._task = self._progress.add_task(activity, total=total, photo="")
        self._timer = threading.Timer(show_after_s, self._progress.start)
        self._timer.daemon = True
        self._timer.start()

    def update(self, done: int, photo: str) -> None:
        self._progress.update(self._task, completed=done, photo=photo)

    def stop(self) -> None:
        self._timer.cancel()
        self._timer.join()  # the bar may be starting at this moment
        self._progress.stop()
