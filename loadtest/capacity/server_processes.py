"""CPU time of a Triton that runs on this machine, by model: its Python-based models are processes of their own."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICK_MS = 1e3 / os.sysconf("SC_CLK_TCK")
_LISTENING = "0A"
SERVER_ITSELF = ""
"""The key of tritonserver's own process among the models."""


@dataclass(frozen=True)
class ServerProcesses:
    """The processes of one server."""

    model_by_pid: dict[int, str]
    """`SERVER_ITSELF` for tritonserver."""

    @classmethod
    def listening_on(cls, port: int) -> ServerProcesses | None:
        """Find the server that listens on a port of this machine; None where it is not here or not ours to see."""
        server = _pid_listening_on(port)
        if server is None:
            return None
        models = {pid: _model_of(pid) for pid in _pids() if _parent(pid) == server}
        return cls({server: SERVER_ITSELF, **{pid: model for pid, model in models.items() if model}})

    def cpu_ms(self) -> dict[str, float]:
        """Return the CPU time that each model's processes have used so far, in steps of the kernel's tick (10 ms)."""
        used: dict[str, float] = {}
        for pid, model in self.model_by_pid.items():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                used[model] = used.get(model, 0.0) + (int(fields[11]) + int(fields[12])) * _TICK_MS
        return used


def _pids() -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def _parent(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return None


def _model_of(pid: int) -> str:
    """Return the model of a stub process, whose first argument is `<repository>/<model>/<version>/<file>`."""
    with contextlib.suppress(OSError):
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        if "triton_python_backend_stub" in arguments[0] and len(arguments) > 1:
            return Path(arguments[1]).parts[-3]
    return ""


def _pid_listening_on(port: int) -> int | None:
    sockets = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    sockets.add(fields[9])
    for pid in _pids() if sockets else ():
        with contextlib.suppress(OSError):
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    link = re.fullmatch(r"socket:\[(\d+)\]", str(descriptor.readlink()))
                    if link and link[1] in sockets:
                        return pid
    return None
