"""The library's front door: a Triton server as a context manager."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from types import TracebackType

from serving.errors import ServingError, StartupError
from serving.installation import TritonInstallation, find_installation
from serving.options import ServerOptions, build_arguments
from serving.ports import ServerPorts, resolve_ports
from serving.process import TritonProcess
from serving.readiness import ProgressCallback, wait_until_ready
from serving.supervisor import RestartCallback, Supervisor

EVERY_INTERFACE = ("0.0.0.0", "")


def ignore_progress(waited_s: float, loaded_models: list[str]) -> None:
    """Tell nobody how the start goes on."""


def ignore_restart(reason: str) -> None:
    """Tell nobody about a restart."""


class TritonServer:
    """A Triton server, ready when the ``with`` block is entered and gone, stubs included, when it is left.

    Attributes:
        options: What it was started with.
        log_path: File with tritonserver's own log.
    """

    def __init__(
        self,
        options: ServerOptions,
        *,
        on_progress: ProgressCallback = ignore_progress,
        on_restart: RestartCallback = ignore_restart,
    ) -> None:
        """Prepare a server; nothing runs before ``start`` or ``with``.

        Args:
            options: What to serve, where and how.
            on_progress: Told about the progress of every start.
            on_restart: Told the reason before the supervisor restarts the server.
        """
        self.options = options
        self.log_path = _log_path(options)
        self._on_progress = on_progress
        self._on_restart = on_restart
        self._ports: ServerPorts | None = None
        self._installation: TritonInstallation | None = None
        self._process: TritonProcess | None = None
        self._supervisor: Supervisor | None = None
        # Held while a process is replaced, so that a stop never overlooks the new one.
        self._lifecycle = threading.RLock()
        self._stop_requested = threading.Event()

    def __enter__(self) -> TritonServer:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def http_url(self) -> str:
        """Where HTTP answers, as ``127.0.0.1:8000``: the form that tritonclient takes."""
        return f"{self.connect_host}:{self.ports.http}"

    @property
    def grpc_url(self) -> str:
        """Where gRPC answers, as ``127.0.0.1:8001``: the form that tritonclient takes."""
        return f"{self.connect_host}:{self.ports.grpc}"

    @property
    def metrics_url(self) -> str:
        """Address of the Prometheus metrics, with scheme and path."""
        return f"http://{self.connect_host}:{self.ports.metrics}/metrics"

    @property
    def connect_host(self) -> str:
        """Address at which this machine reaches the server."""
        return "127.0.0.1" if self.options.host in EVERY_INTERFACE else self.options.host

    @property
    def ports(self) -> ServerPorts:
        """The ports in use; known once the server has been started."""
        if self._ports is None:
            raise ServingError("the server has no ports before it is started: enter its `with` block first")
        return self._ports

    @property
    def process(self) -> TritonProcess:
        """The running tritonserver."""
        if self._process is None:
            raise ServingError("the server is not running: enter its `with` block first")
        return self._process

    @property
    def pid(self) -> int:
        """Process id of tritonserver; another one after a restart."""
        return self.process.pid

    def start(self) -> None:
        """Start and wait until every model is ready.

        Raises:
            InstallationError: Something that Triton needs is missing on this machine.
            PortUnavailableError: A port is taken.
            StartupError: A model does not load, or tritonserver ends or hangs for another reason.
        """
        self._stop_requested.clear()
        self._installation = find_installation()
        self._ports = resolve_ports(
            self.options.host,
            http=self.options.http_port,
            grpc=self.options.grpc_port,
            metrics=self.options.metrics_port,
        )
        self._launch()
        if self.options.supervise:
            self._supervisor = Supervisor(self, on_restart=self._on_restart)
            self._supervisor.start()

    def restart(self) -> None:
        """Replace the process by a new one on the same ports; callers in flight see their connection closed.

        Raises:
            StartupError: The new process did not become ready.
        """
        with self._lifecycle:
            # Not a drain: what is in flight waits for a process that is dead, or for one that waits for it.
            self.process.kill()
            self._launch()

    def stop(self) -> None:
        """Let requests in flight finish within the exit timeout, then end every process; safe to repeat."""
        self._stop_requested.set()
        try:
            if self._supervisor is not None:
                self._supervisor.stop()
        finally:
            with self._lifecycle:
                process, self._process = self._process, None
                if process is not None:
                    process.stop(self.options.exit_timeout_s)

    def wait(self) -> None:
        """Block while the server serves.

        Raises:
            SupervisionError: The supervisor gave up.
            ServingError: tritonserver ended by itself and nobody supervises it.
        """
        if self._supervisor is not None:
            self._supervisor.wait()
        else:
            exit_code = self.process.wait()
            raise ServingError(f"tritonserver ended with exit code {exit_code}. Full log: {self.log_path}")

    def _launch(self) -> None:
        assert self._installation is not None
        log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        process = TritonProcess(
            build_arguments(self.options, self._installation, self.ports),
            self._installation.environment,
            self.log_path,
        )

        def continue_start(waited_s: float, loaded_models: list[str]) -> None:
            if self._stop_requested.is_set():
                raise StartupError("stopped while models were loading")
            # tritonserver may crash while it loads, and its dead stubs leave shared memory behind.
            process.remember_stubs()
            self._on_progress(waited_s, loaded_models)

        try:
            wait_until_ready(
                connect_host=self.connect_host,
                http_port=self.ports.http,
                poll_exit_code=process.poll_exit_code,
                log_path=self.log_path,
                log_start=log_start,
                timeout_s=self.options.ready_timeout_s,
                on_progress=continue_start,
                headers=self.options.restricted_header,
            )
        except BaseException:  # Ctrl-C while models load included
            process.kill()
            raise
        process.remember_stubs()
        self._process = process


def _log_path(options: ServerOptions) -> Path:
    if options.log_file is None:
        descriptor, name = tempfile.mkstemp(prefix="tritonserver-", suffix=".log")
        # Only the name is needed: every start opens the file anew.
        os.close(descriptor)
        return Path(name)
    path = Path(options.log_file).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path
