"""Start the real tritonserver with exactly the arguments that the chart renders."""

import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from serving.installation import find_installation
from serving.ports import resolve_ports
from serving.stub_processes import end_stubs

KEY = "a-key-of-the-tests"

# Flags of the pinned image that the bundled tritonserver 2.51 does not have, with the version that brought them.
NEWER_FLAGS = {"--allow-client-shm": "26.04"}

# What differs between the container and this machine: paths and ports, and nothing else.
PORT_FLAGS = {"--http-port": "http", "--grpc-port": "grpc", "--metrics-port": "metrics"}


@dataclass(frozen=True)
class RunningTriton:
    process: subprocess.Popen[bytes]
    http_port: int
    grpc_port: int
    metrics_port: int
    log: Path

    def status(
        self, path: str, *, port: int | None = None, method: str = "GET", headers: dict[str, str] | None = None
    ) -> int:
        """Status that HTTP answers with."""
        url = f"http://127.0.0.1:{port or self.http_port}{path}"
        request = urllib.request.Request(url, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code


def known_flags() -> set[str]:
    """Flags that the bundled binary lists in its help."""
    installation = find_installation()
    help_text = subprocess.run(
        [installation.executable, "--help"], env=installation.environment, capture_output=True, text=True
    )
    return set(re.findall(r"^\s+(--[a-z0-9-]+)", help_text.stdout + help_text.stderr, flags=re.MULTILINE))


def on_this_machine(arguments: list[str], repository: Path, ports: dict[str, int]) -> list[str]:
    """The rendered arguments with this machine's paths and ports, and the key that Kubernetes puts in."""
    rewritten = []
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name == "--model-repository":
            value = str(repository)
        elif name in PORT_FLAGS:
            value = str(ports[PORT_FLAGS[name]])
        if name not in NEWER_FLAGS:
            text = f"{name}={value}" if "=" in argument else name
            rewritten.append(text.replace("$(RESTRICTED_API_KEY)", KEY))
    return rewritten


@contextmanager
def running_triton(arguments: list[str], repository: Path, log: Path) -> Iterator[RunningTriton]:
    """A tritonserver with these rendered arguments, ready; it is killed when the block is left.

    Raises:
        AssertionError: It ended, or was not ready in time; with its log.
    """
    installation = find_installation()
    free = resolve_ports("127.0.0.1", http=0, grpc=0, metrics=0)
    ports = {"http": free.http, "grpc": free.grpc, "metrics": free.metrics}
    command = [
        str(installation.executable),
        *on_this_machine(arguments, repository, ports),
        # The image has these where the binary looks by itself.
        f"--backend-directory={installation.backend_directory}",
        f"--cache-directory={installation.cache_directory}",
        "--http-address=127.0.0.1",
        "--grpc-address=127.0.0.1",
    ]
    with log.open("wb") as log_file:
        process = subprocess.Popen(
            command, env=installation.environment, stdout=log_file, stderr=subprocess.STDOUT, start_new_session=True
        )
    triton = RunningTriton(process, ports["http"], ports["grpc"], ports["metrics"], log)
    try:
        _wait_until_ready(triton)
        yield triton
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    # At once: how it ends by itself is a test of its own.
    process.kill()
    process.wait()
    end_stubs(process.pid)


def _wait_until_ready(triton: RunningTriton, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        assert triton.process.poll() is None, f"tritonserver ended:\n{triton.log.read_text()[-3000:]}"
        try:
            if triton.status("/v2/health/ready") == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"tritonserver was not ready in {timeout_s} s:\n{triton.log.read_text()[-3000:]}")


def stop(triton: RunningTriton, timeout_s: float = 60.0) -> int:
    """Send SIGTERM, as the kubelet does; returns the exit status."""
    os.kill(triton.process.pid, signal.SIGTERM)
    return triton.process.wait(timeout=timeout_s)
