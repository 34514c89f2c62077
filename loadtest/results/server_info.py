"""What was measured: the server and the models that it served."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model that was served.

    Attributes:
        name: its name.
        versions: versions that were ready.
        platform: Triton's name of its kind, e.g. `ensemble`; empty where unknown.
        config_sha256: of its configuration as the server gave it, keys sorted.
    """

    name: str
    versions: tuple[str, ...]
    platform: str
    config_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """A server.

    Attributes:
        name: what it calls itself, e.g. `triton`.
        version: its version.
        extensions: protocol extensions that it names.
        models: the model that was called, and its composing models.
        config_sha256: over all their configurations: equal for equal deployments.
    """

    name: str
    version: str
    extensions: tuple[str, ...]
    models: tuple[ModelInfo, ...]
    config_sha256: str
