"""Show how a start goes on: one live line in a terminal, plain lines in a file or a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.status import Status


class StartupProgress:
    """Tells on a console which models are loaded, until the ``with`` block is left."""

    def __init__(self, console: Console, model_names: Sequence[str]) -> None:
        self._console = console
        self._model_count = len(model_names)
        self._reported: set[str] = set()
        self._status = Status("starting tritonserver", console=console)

    def __enter__(self) -> StartupProgress:
        if self._console.is_terminal:
            self._status.start()
        else:
            self._console.print("starting tritonserver")
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._status.stop()

    def update(self, waited_s: float, loaded_models: list[str]) -> None:
        """Show the progress.

        Args:
            waited_s: Seconds since the start.
            loaded_models: Names of the models that are loaded.
        """
        if self._console.is_terminal:
            loading = f"{len(loaded_models)} of {self._model_count} models loaded"
            latest = f", last {loaded_models[-1]}" if loaded_models else ""
            self._status.update(escape(f"starting tritonserver: {loading}{latest} ({waited_s:.0f} s)"))
            return
        for name in loaded_models:
            if name not in self._reported:
                self._reported.add(name)
                self._console.print(f"loaded {name} ({len(self._reported)} of {self._model_count})", markup=False)
