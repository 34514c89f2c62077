"""A bar while bytes travel; silent where nobody watches."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn


class TransferProgress:
    """Bytes of one transfer, shown on standard error: what a command prints stays readable for scripts."""

    def __init__(self, what: str, console: Console | None = None) -> None:
        self._what = what
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console or Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> TransferProgress:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._progress.stop()

    def start(self, total_bytes: int) -> None:
        """Show the bar, where standard error is a terminal and there is anything to transfer."""
        if total_bytes and self._progress.console.is_terminal:
            self._task = self._progress.add_task(self._what, total=total_bytes)
            self._progress.start()

    def advance(self, count_bytes: int) -> None:
        """So many bytes more are there."""
        if self._task is not None:
            self._progress.advance(self._task, count_bytes)
