"""The ensembles of this project, one file each.

To add one, write `ensembles/wiring/<name>.py` with a constant `ENSEMBLE` and run `python -m ensembles
render`.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from ensembles.errors import WiringMalformed
from ensembles.graph import Ensemble


def all_ensembles() -> list[Ensemble]:
    """The `ENSEMBLE` of every file in this folder, by file name.

    Raises:
        WiringMalformed: a file holds none, or one of another name.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [_ensemble_of(name) for name in names]


def wiring_file(ensemble: Ensemble) -> Path:
    """The file in which an ensemble is written, relative to the checkout."""
    return Path("ensembles", "wiring", f"{ensemble.name}.py")


def _ensemble_of(name: str) -> Ensemble:
    ensemble = getattr(importlib.import_module(f"{__name__}.{name}"), "ENSEMBLE", None)
    if not isinstance(ensemble, Ensemble) or ensemble.name != name:
        raise WiringMalformed(
            f"ensembles/wiring/{name}.py must hold a constant ENSEMBLE, an Ensemble of the name {name!r}; "
            f"it holds {'none' if ensemble is None else repr(ensemble)}. "
            "Only wirings live in that folder: name the file after its ensemble, or move it elsewhere."
        )
    return ensemble
