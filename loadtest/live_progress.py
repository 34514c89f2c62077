"""The progress of a load in a terminal; nothing anywhere else."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from loadtest.open_loop.live import Live


class LiveProgress:
    """A bar with the rate, the p99 and the errors of the moment."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            refresh_per_second=4,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> LiveProgress:
        self._progress.start()
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, description: str, duration_s: float) -> None:
        """Start a new bar; the one before it goes."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(description, total=duration_s, figures="starting")

    def show(self, live: Live) -> None:
        """Show a state."""
        if self._task is None:
            return
        p99 = "-" if live.p99_ms is None else f"{live.p99_ms:.1f} ms"
        figures = f"{live.answered_per_s:.1f}/s  p99 {p99}  {live.errors} errors  {live.in_flight} in flight"
        self._progress.update(self._task, completed=live.elapsed_s, figures=figures)
