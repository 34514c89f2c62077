"""A peer's server as a process: started, paused while it is not its turn, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
_READY_WITHIN_S = 120.0


class PeerProcess:
    """A running server."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.url = url
        self._process = process

    def pause(self) -> None:
        """Stop its processes where they are: an idle server that polls its queues would slow down the others."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        os.killpg(self._process.pid, signal.SIGCONT)


@contextlib.contextmanager
def peer_process(name: str) -> Iterator[PeerProcess]:
    """Start `servers/<name>.py`, wait until it is healthy, end it with all its processes.

    Raises:
        SystemExit: it ended by itself, or was not healthy in time.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    module = f"loadtest.benchmarks.peers.servers.{name}"
    # A session of its own: its workers can be signalled together, and Ctrl-C reaches it only through us.
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--port", str(port)], cwd=CHECKOUT, start_new_session=True
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_healthy(process, name, url)
        yield PeerProcess(process, url)
    finally:
        for number in (signal.SIGCONT, signal.SIGTERM):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_healthy(process: subprocess.Popen[bytes], name: str, url: str) -> None:
    end = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"the server {name} ended with exit status {process.returncode}; its words are above")
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(f"{url}/health", timeout=2):
            return
        time.sleep(0.2)
    raise SystemExit(f"the server {name} was not healthy after {_READY_WITHIN_S:g} s")
