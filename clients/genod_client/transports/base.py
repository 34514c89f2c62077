"""The seam between the client's logic and the network: what HTTP, gRPC and the fakes of tests implement."""

from __future__ import annotations

from typing import Protocol, TypeVar

from genod_client.operations import Operation

ReplyT = TypeVar("ReplyT")


class Transport(Protocol):
    """Carries out operations for many threads at once."""

    def send(self, operation: Operation[ReplyT], timeout_s: float) -> ReplyT:
        """Carry out one operation, once.

        Args:
            operation: what to ask.
            timeout_s: seconds after which to give up, whatever the server does.

        Raises:
            GenODError: as `genod_client.errors` says; no error of a library below.
        """
        ...

    def close(self) -> None:
        """Close all connections. Calling it again does nothing."""
        ...


class AsyncTransport(Protocol):
    """Carries out operations for many tasks of one event loop at once."""

    async def send(self, operation: Operation[ReplyT], timeout_s: float) -> ReplyT:
        """Carry out one operation, once; see `Transport.send`."""
        ...

    async def close(self) -> None:
        """Close all connections. Calling it again does nothing."""
        ...
