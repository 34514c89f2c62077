"""The server's own statistics around the measured window, read beside the load and never in its way."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from loadtest.errors import LoadTestError
from loadtest.open_loop.load import ServerAddress

if TYPE_CHECKING:
    from loadtest.results import ServerInfo, SlowTrace, StageTable
    from loadtest.stages import ServerSnapshot, SlowTraces

# A server under load answers these late as well; what takes longer is left out of the report.
TIMEOUT_S = 5.0


class ServerReadings:
    """Reads twice, each time in a thread of its own. A server that does not tell costs the report a table, no more."""

    def __init__(self, address: ServerAddress, *, model: str = "", trace_slow: int = 0) -> None:
        """Prepare.

        Args:
            address: the server.
            model: whose requests are traced.
            trace_slow: how many of the slowest to keep; 0 traces none.
        """
        self._address = address
        self._model = model
        self._trace_slow = trace_slow
        self._tracing = ExitStack()
        self._traces: SlowTraces | None = None
        self._snapshots: dict[str, ServerSnapshot] = {}
        self._threads: list[threading.Thread] = []
        self.notes: list[str] = []

    def take(self, which: str) -> None:
        """Start the reading `before` or `after`."""
        thread = threading.Thread(target=self._take, args=(which, tuple(self._threads)), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _take(self, which: str, earlier: tuple[threading.Thread, ...]) -> None:
        for thread in earlier:
            thread.join(timeout=2 * TIMEOUT_S)
        if which == "after":
            self._tracing.close()
        self._read(which)
        if which == "before" and self._trace_slow:
            self._start_tracing()

    def _start_tracing(self) -> None:
        from loadtest.stages import collect_slow_traces

        try:
            self._traces = self._tracing.enter_context(
                collect_slow_traces(
                    self._address.url,
                    self._model,
                    self._trace_slow,
                    timeout_s=TIMEOUT_S,
                    headers=dict(self._address.headers),
                    ca_certificate=self._address.ca_certificate,
                )
            )
        except LoadTestError as error:
            self.notes.append(f"No request was traced: {error}")

    def slow_traces(self) -> tuple[SlowTrace, ...] | None:
        """Return the slowest requests as the server timed them; None without tracing. Call `stages` first."""
        # Where the load ended before its window did, tracing is still on.
        self._tracing.close()
        if self._traces is None:
            return None
        if self._traces.note:
            self.notes.append(self._traces.note)
        return self._traces.slowest

    def _read(self, which: str) -> None:
        from loadtest.stages import collect_statistics

        try:
            self._snapshots[which] = collect_statistics(
                self._address.url,
                timeout_s=TIMEOUT_S,
                headers=dict(self._address.headers),
                ca_certificate=self._address.ca_certificate,
            )
        except LoadTestError as error:
            self.notes.append(f"The server's statistics {which} the window are missing: {error}")

    def stages(self) -> StageTable | None:
        """Return the difference of both readings; None where one is missing."""
        for thread in self._threads:
            thread.join(timeout=2 * TIMEOUT_S)
        if not {"before", "after"} <= self._snapshots.keys():
            return None
        from loadtest.stages import difference

        try:
            return difference(self._snapshots["before"], self._snapshots["after"])
        except LoadTestError as error:
            self.notes.append(f"The server's statistics cannot be compared: {error}")
            return None


def read_server(address: ServerAddress) -> tuple[ServerInfo | None, str | None]:
    """Return what the server says about itself, or why there is nothing."""
    from loadtest.server_info import read_server_info

    try:
        return (
            read_server_info(
                address.url,
                address.model,
                timeout_s=TIMEOUT_S,
                headers=dict(address.headers),
                ca_certificate=address.ca_certificate,
            ),
            None,
        )
    except LoadTestError as error:
        return None, f"The server says nothing about itself: {error}"
