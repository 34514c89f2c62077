"""The seam between when to send and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from genod_client import GenODError


class NoRoomError(GenODError):
    """This machine has no descriptor or port left for a connection: the generator's limit, not the server's error."""


# Called once for each request: its index, and its error or None.
Finish: TypeAlias = Callable[[int, GenODError | None], None]


class Sender(Protocol):
    """Sends requests over connections that stay open."""

    async def open(self, timeout_s: float) -> None:
        """Open the connections.

        Raises:
            GenODError: there is no server.
        """
        ...

    def send(self, index: int, photo: int, stamp: int) -> None:
        """Send a request now, without waiting for anything; its end is reported to `finish`."""
        ...

    def abandon(self, index: int) -> None:
        """Forget a request whose time is up; its end is not reported any more."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
