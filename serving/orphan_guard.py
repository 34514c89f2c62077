"""A small process beside tritonserver that ends it when the launcher dies without a chance to.

The launcher holds the other end of this process's standard input. When the launcher is killed the kernel
closes that end, and the guard ends tritonserver, its stubs and their shared memory. The kernel's parent-death
signal would not do: it goes to tritonserver only, whose stubs may outlive it, and it is bound to the *thread*
that started the process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from serving.stub_processes import end_stubs

RELEASE = b"released"
CHECKOUT = Path(__file__).parent.parent


def start_guard(server_pid: int) -> subprocess.Popen[bytes]:
    """Start the guard of one tritonserver process.

    Args:
        server_pid: Process id of the tritonserver that was just started.

    Returns:
        The guard; keep it, and hand it to ``release_guard`` when tritonserver has ended.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "serving.orphan_guard", str(server_pid)],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Its own session: Ctrl-C and a closed terminal reach the launcher, not the guard.
        start_new_session=True,
    )


def release_guard(guard: subprocess.Popen[bytes]) -> None:
    """End the guard without harm to anybody.

    Args:
        guard: What ``start_guard`` returned.
    """
    with contextlib.suppress(BrokenPipeError):
        guard.communicate(RELEASE)


def main() -> None:
    """Wait for the launcher to release the guard or to die."""
    server_pid = int(sys.argv[1])
    # A handle, not a number: it can never come to mean another process.
    try:
        server = os.pidfd_open(server_pid)
    except ProcessLookupError:
        end_stubs(server_pid)
        return
    if sys.stdin.buffer.read() == RELEASE:
        return
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(server, signal.SIGKILL)
    end_stubs(server_pid)


if __name__ == "__main__":
    main()
