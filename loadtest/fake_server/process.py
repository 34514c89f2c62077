"""The fake server in a process of its own, so that it takes no time from whoever measures it."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from types import TracebackType

from loadtest.errors import LoadTestError
from loadtest.fake_server.options import FakeServerOptions


class FakeServer:
    """Context manager around ``python -m loadtest.fake_server``.

    Attributes:
        http_url: its address, e.g. `http://127.0.0.1:40123`.
        grpc_url: the same for gRPC; empty without `grpc_port`.
        pid: its process.
    """

    http_url: str
    grpc_url: str
    pid: int

    def __init__(self, options: FakeServerOptions | None = None, *, cpu: int | None = None) -> None:
        """Prepare the server.

        Args:
            options: what it does.
            cpu: the core that it may use; None for any.
        """
        self._options = options or FakeServerOptions()
        self._cpu = cpu

    def __enter__(self) -> FakeServer:
        command = [sys.executable, "-m", "loadtest.fake_server"]
        for name, value in dataclasses.asdict(self._options).items():
            if value is not None:
                command += [f"--{name.replace('_', '-')}", str(value)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self._process.stdout is not None
        words = self._process.stdout.readline().split()
        urls = [word for word in words if "://" in word]
        if not urls:
            self._process.wait(timeout=10)
            raise LoadTestError(
                f"The fake server ended with exit status {self._process.returncode} before it listened."
            )
        self.http_url, self.grpc_url = [*urls, ""][:2]
        self.pid = self._process.pid
        if self._cpu is not None:
            os.sched_setaffinity(self.pid, {self._cpu})
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
