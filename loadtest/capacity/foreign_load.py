"""How much of this machine other programs use while a server on it is measured."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from loadtest.capacity.server_processes import ServerProcesses

_TICK_MS = 1e3 / os.sysconf("SC_CLK_TCK")
_IDLE_FIELDS = (3, 4)  # idle and iowait of /proc/stat


class ForeignLoad:
    """Counts from when it is made."""

    def __init__(self, server: ServerProcesses | None) -> None:
        """Start counting.

        Args:
            server: The measured server; None for one on another machine, about whose cores nothing is known.
        """
        self._server = server
        self._before = self._read()

    def share(self) -> float:
        """Return the part of all cores' time that neither the server nor this process used, 0 to 1."""
        total, busy, ours = (now - then for now, then in zip(self._read(), self._before, strict=True))
        return min(1.0, max(0.0, busy - ours) / total) if self._server and total > 0 else 0.0

    def _read(self) -> tuple[float, float, float]:
        """Return milliseconds of all cores: in all, busy, and busy with the server or this process."""
        fields: list[int] = []
        with contextlib.suppress(OSError):
            # The last two of ten repeat what is in the first two: guests.
            fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        idle = sum(fields[k] for k in _IDLE_FIELDS) if fields else 0
        server = sum(self._server.cpu_ms().values()) if self._server else 0.0
        return sum(fields) * _TICK_MS, (sum(fields) - idle) * _TICK_MS, server + 1e3 * time.process_time()
