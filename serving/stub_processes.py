"""The processes in which Triton runs Python models: find them and clean up, also after their server died.

Triton's Python backend starts one *stub* for each model instance. Stubs share memory with tritonserver
through files in ``/dev/shm``. When tritonserver is killed, stubs that were waiting for it stay for ever, and
so do the files.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STUB_NAME = "triton_python_backend_stub"
SHARED_MEMORY = Path("/dev/shm")

# Positions in a stub's command line (python_backend, stub_launcher.cc of tritonserver 2.51).
REGION_NAME, SERVER_PID, INSTANCE_NAME = 2, 5, 8


@dataclass(frozen=True)
class StubProcess:
    """One running stub.

    Attributes:
        pid: Its process id.
        instance_name: The model instance that it runs, as ``head_generic_0_0``.
        region_name: Its shared memory file in ``/dev/shm``.
    """

    pid: int
    instance_name: str
    region_name: str


def find_stubs(server_pid: int) -> list[StubProcess]:
    """List the stubs of one server.

    They are known by the server's process id on their command line: unlike the parent process id of the
    system it stays true after the server died.

    Args:
        server_pid: Process id of tritonserver, which need not run any more.

    Returns:
        Its stubs, zombies excluded.
    """
    return list(_stubs_of(server_pid))


def end_stubs(server_pid: int) -> None:
    """End the stubs of a server that is not running any more, at once, and remove their shared memory.

    Args:
        server_pid: Process id that the server had.
    """
    # A second look catches a stub that was between fork and exec, not yet recognisable, at the first.
    for delay_s in (0.0, 0.05):
        time.sleep(delay_s)
        for stub in find_stubs(server_pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(stub.pid, signal.SIGKILL)
            remove_shared_memory(stub)


def remove_shared_memory(stub: StubProcess) -> None:
    """Remove the shared memory file of a stub that has ended.

    Args:
        stub: The stub.
    """
    (SHARED_MEMORY / stub.region_name).unlink(missing_ok=True)


def _stubs_of(server_pid: int) -> Iterator[StubProcess]:
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            arguments = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:  # ended meanwhile, or somebody else's
            continue
        is_stub = Path(arguments[0]).name == STUB_NAME and len(arguments) > INSTANCE_NAME
        if is_stub and arguments[SERVER_PID] == str(server_pid):
            yield StubProcess(int(folder.name), arguments[INSTANCE_NAME], arguments[REGION_NAME])
