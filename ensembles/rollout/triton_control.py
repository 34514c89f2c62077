"""Triton's explicit model control, whatever the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

UNLOADED = "unloaded"
"""Triton's reason for a version that was taken away on request, and not because something failed."""


@dataclass(frozen=True)
class VersionState:
    """One version of a model, as the server's index tells."""

    state: str
    """READY, LOADING, UNLOADING or UNAVAILABLE."""
    reason: str

    @property
    def is_failed(self) -> bool:
        """Whether a load failed, which keeps the server's own readiness false until it is healed."""
        return self.state == "UNAVAILABLE" and self.reason != UNLOADED


class LoadRefused(Exception):
    """The server did not load a model; the text is its reason, in one line."""


class TritonControl(Protocol):
    """One running server. Every method raises ActivationFailed where no server answers or it forbids the call."""

    url: str

    def load(self, model: str) -> None:
        """Load a model, with the models that it needs; returns when it is ready.

        Raises:
            LoadRefused: with the server's reason.
        """
        ...

    def unload(self, model: str) -> None:
        """Take a model away; it goes when its last request is answered, after this call."""
        ...

    def states(self) -> Mapping[str, Mapping[int, VersionState]]:
        """State of every version of every model that the server has heard of."""
        ...

    def is_ready(self, model: str, version: int) -> bool:
        """Whether one version of a model may be called."""
        ...

    def is_server_ready(self) -> bool:
        """The server's own readiness, which Kubernetes asks: false while anything loads or unloads."""
        ...


def one_line(reason: str) -> str:
    """The server's error without the stack of the Python backend."""
    return " ".join(reason.partition("\n\nAt:")[0].split())


def forbids_model_control(reason: str) -> bool:
    """Whether an error means that the server was started in another model control mode."""
    return "model control" in reason or "explicit model load" in reason or "polling is enabled" in reason


def wrong_mode(url: str, reason: str) -> str:
    """What to say about such a server."""
    return (
        f"{url} does not allow to load models ({reason}). Start it with --model-control-mode=explicit, for example: "
        "python -m serving --rollout DIR"
    )


def gone(url: str, error: object) -> str:
    """What to say where nobody answers."""
    return f"no server answers at {url} ({error}). Once it runs again, run the same command again: it goes on."
