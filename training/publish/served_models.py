"""Which models and versions the ensemble `detect` is pinned to: `ensembles/wiring/served_models.json`.

The wiring reads it and publishing writes it. A line in it is what makes a head served.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training.atomic_file import write_atomically
from training.data.roots import REPOSITORY_ROOT
from training.publish.errors import ServedModelsError

SERVED_MODELS_PATH = REPOSITORY_ROOT / "ensembles" / "wiring" / "served_models.json"
SHARED = ("preprocess", "backbone", "label_propagation")
"""What `detect` needs; other ensembles share more, such as the embedder."""


@dataclass(frozen=True, slots=True)
class ServedModels:
    """Versions of the shared models and of the heads."""

    shared: dict[str, int]
    heads: dict[str, int]
    """In the order of label propagation's inputs."""

    @property
    def versions(self) -> dict[str, int]:
        """Version of every model."""
        return {**self.shared, **self.heads}

    def with_head(self, head: str, version: int, *, label_propagation: int) -> "ServedModels":
        """Return these with a head added at the end, or in its place with another version."""
        shared = {**self.shared, "label_propagation": label_propagation}
        return replace(self, shared=shared, heads={**self.heads, head: version})


def read_served_models(path: Path = SERVED_MODELS_PATH) -> ServedModels:
    """Read the file.

    Raises:
        ServedModelsError: it is missing or is not what it must be.
    """
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        served = ServedModels(shared=dict(document["shared"]), heads=dict(document["heads"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServedModelsError(f"{path} must be JSON with the objects 'shared' and 'heads': {error}") from error
    versions = served.versions
    if not set(SHARED) <= set(served.shared) or not all(isinstance(v, int) and v > 0 for v in versions.values()):
        raise ServedModelsError(f"{path}: 'shared' must pin {', '.join(SHARED)}, and versions must be 1 or more")
    return served


def write_served_models(served: ServedModels, path: Path = SERVED_MODELS_PATH) -> None:
    """Write the file in one step."""
    document = {"shared": served.shared, "heads": served.heads}
    write_atomically(path, (json.dumps(document, indent=2) + "\n").encode())
