"""Ending processes as the kernel does when memory runs out: without a warning."""

import time
from pathlib import Path

PATIENCE_S = 600


def kill_when(process, is_ripe, *, delay_s):
    """Send SIGKILL so long after a condition holds; return whether the process was still running."""
    deadline = time.monotonic() + PATIENCE_S
    while process.is_alive() and not is_ripe():
        assert time.monotonic() < deadline, "the process got nowhere"
        time.sleep(0.005)
    time.sleep(delay_s)
    was_running = process.is_alive()
    process.kill()
    process.join()
    return was_running


def lines_of(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
