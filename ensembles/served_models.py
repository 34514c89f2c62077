"""Which models and versions `detect` is pinned to: `ensembles/wiring/served_models.json`.

A file of data, since a published head adds itself to it; everything else about a wiring is code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensembles.errors import WiringMalformed

PATH = Path(__file__).with_name("wiring") / "served_models.json"


@dataclass(frozen=True)
class ServedModels:
    """Versions of the shared models and of the heads."""

    shared: dict[str, int]
    heads: dict[str, int]
    """In the order of label propagation's inputs."""


def read_served_models(path: Path = PATH) -> ServedModels:
    """Read the file.

    Raises:
        WiringMalformed: it is missing, is no JSON, or pins something that is no version.
    """
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        served = ServedModels(shared=dict(document["shared"]), heads=dict(document["heads"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WiringMalformed(f"{path} must be JSON with the objects 'shared' and 'heads': {error!r}") from error
    for model, version in {**served.shared, **served.heads}.items():
        if not isinstance(version, int) or version < 1:
            raise WiringMalformed(f"{path} pins {model} to {version!r}: versions are whole numbers from 1 on")
    return served
