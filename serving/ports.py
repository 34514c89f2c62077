"""Ports: pick free ones on request, and refuse taken ones by the option that chose them."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from dataclasses import dataclass

from serving.errors import PortUnavailableError


@dataclass(frozen=True)
class ServerPorts:
    """The three ports of one server."""

    http: int
    grpc: int
    metrics: int


def resolve_ports(host: str, *, http: int, grpc: int, metrics: int) -> ServerPorts:
    """Check the wanted ports and replace each 0 by a free one.

    All three are held at the same time while choosing, so that they differ; Triton itself listens a moment
    later, and a program that takes a port in between shows as a failed start.

    Args:
        host: Address to listen on.
        http: Port of HTTP, or 0.
        grpc: Port of gRPC, or 0.
        metrics: Port of the metrics, or 0.

    Returns:
        Ports that were free just now.

    Raises:
        PortUnavailableError: A wanted port is taken, needs privileges, or the address is not of this machine.
    """
    with ExitStack() as held:
        # Wanted ports first: a free one must not be picked among them.
        wanted = {"http": http, "grpc": grpc, "metrics": metrics}
        resolved = {
            name: _hold(held, host, port, option=f"--{name}-port")
            for name, port in sorted(wanted.items(), key=lambda item: item[1] == 0)
        }
    return ServerPorts(**resolved)


def _hold(held: ExitStack, host: str, port: int, *, option: str) -> int:
    if not 0 <= port <= 65535:
        raise PortUnavailableError(f"{option} must be 0 (pick a free port) to 65535, got {port}")
    holder = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    # As tritonserver does: connections of a server that just ended do not block its port.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((host, port))
        # Two sockets with SO_REUSEADDR may bind the same port; only one of them may listen.
        holder.listen(1)
    except OSError as error:
        raise PortUnavailableError(_explain(error, host, port, option)) from error
    return int(holder.getsockname()[1])


def _explain(error: OSError, host: str, port: int, option: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is taken by another program. Choose another with {option} N,"
            f" let a free one be picked with {option} 0, or see who has it with: ss -ltnp 'sport = :{port}'"
        )
    if error.errno == errno.EACCES:
        return f"port {port} needs privileges on this machine. Choose one above 1023 with {option} N."
    return f"cannot listen on {host}:{port} ({error}). Choose an address of this machine with --host."
