"""A server for one benchmark, in a process of its own."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from genod_client import GenODClient

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Server:
    """Addresses of a running server."""

    grpc_url: str
    http_url: str


@contextlib.contextmanager
def own_server(console: Console, *, model_repository: Path | None = None, model: str = "detect") -> Iterator[Server]:
    """Start `python -m serving` on free ports, wait until it is ready, stop it at the end.

    Args:
        console: for the waiting.
        model_repository: what to serve; None for the checkout's own.
        model: the ensemble to wait for.

    Raises:
        SystemExit: it ended by itself, or was not ready after two minutes.
    """
    http_port, grpc_port, metrics_port = _free_ports(3)
    command = [sys.executable, "-m", "serving", "--http-port", str(http_port), "--grpc-port", str(grpc_port)]
    command += ["--metrics-port", str(metrics_port)]
    if model_repository is not None:
        command += ["--model-repository", str(model_repository)]
    process = subprocess.Popen(command, cwd=CHECKOUT)
    try:
        server = Server(f"grpc://127.0.0.1:{grpc_port}", f"http://127.0.0.1:{http_port}")
        with console.status("waiting for the server"), GenODClient(server.grpc_url, model=model) as client:
            for _ in range(600):
                if process.poll() is not None:
                    raise SystemExit(f"the server ended with exit status {process.returncode}; its words are above")
                if client.is_ready(timeout_s=1):
                    break
                time.sleep(0.2)
            else:
                raise SystemExit("the server was not ready after two minutes")
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
