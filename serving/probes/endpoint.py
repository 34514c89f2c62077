"""The watch behind HTTP: ``/live``, ``/ready?model=NAME``, ``/metrics``."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from serving.errors import ServingError
from serving.probes.metrics import CONTENT_TYPE, prometheus_text
from serving.probes.watcher import ModelWatcher, is_ready

READY_TIMEOUT_S = 2.0


class ProbeEndpoint(ThreadingHTTPServer):
    """A small HTTP server about some models."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, listen: str, watchers: Mapping[str, ModelWatcher]) -> None:
        """Listen at once.

        Args:
            listen: ``host:port``; port 0 picks a free one, ``[::]:8003`` is IPv6.
            watchers: By name of the model.

        Raises:
            ServingError: The address is not well formed, taken, or not of this machine.
        """
        self.watchers = watchers
        host, port = parse_listen(listen)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), ProbeHandler)
        except OSError as error:
            raise ServingError(f"cannot listen on {listen} ({error}). Choose another address with --listen.") from error

    @property
    def port(self) -> int:
        """The port in use."""
        return int(self.server_address[1])

    def live(self) -> tuple[int, str]:
        """Status and one line for each model: 200 only when all are alive."""
        verdicts = {name: watcher.verdict for name, watcher in self.watchers.items()}
        status = 200 if all(verdict.is_alive for verdict in verdicts.values()) else 503
        return status, "".join(f"{name}: {verdict.outcome}: {verdict.reason}\n" for name, verdict in verdicts.items())

    def ready(self, model: str | None) -> tuple[int, str]:
        """The same for one model, or all of them, asking Triton too."""
        if model is not None and model not in self.watchers:
            return 404, f"{model}: not watched; watched: {', '.join(self.watchers)} (--model adds one)\n"
        lines, all_ready = [], True
        for name in [model] if model is not None else list(self.watchers):
            watcher = self.watchers[name]
            verdict = watcher.verdict
            ready, reason = is_ready(watcher.watch.server, name, timeout_s=READY_TIMEOUT_S)
            all_ready = all_ready and ready and verdict.is_alive
            lines.append(f"{name}: {verdict.outcome}: {verdict.reason}; {reason}\n")
        return (200 if all_ready else 503), "".join(lines)


class ProbeHandler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: ProbeEndpoint
    server_version = "genod-probe"
    timeout = 10  # seconds for a caller who connects and says nothing

    def do_GET(self) -> None:
        """Answer GET."""
        address = urlsplit(self.path)
        match address.path:
            case "/live":
                self._send(*self.server.live())
            case "/ready":
                self._send(*self.server.ready(parse_qs(address.query).get("model", [None])[0]))
            case "/metrics":
                self._send(200, prometheus_text(self.server.watchers.values()), CONTENT_TYPE)
            case _:
                self._send(404, "there is /live, /ready?model=NAME and /metrics\n")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the kubelet asks every few seconds."""

    def _send(self, status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def parse_listen(listen: str) -> tuple[str, int]:
    """Split ``host:port``; the brackets of an IPv6 address are taken off.

    Raises:
        ServingError: It is not of this form.
    """
    host, separator, port = listen.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise ServingError(f"--listen must be host:port, for example 0.0.0.0:8003, got {listen!r}")
    return host.strip("[]"), int(port)
