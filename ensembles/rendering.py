"""From an ensemble's wiring to the text of its config.pbtxt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ensembles.config_file import format_config
from ensembles.derive import derive_config
from ensembles.graph import Ensemble
from ensembles.repository import Repository
from ensembles.taxonomy import FILE_NAME, TaxonomyClass, read_taxonomy
from ensembles.wiring import wiring_file

TAXONOMY_PARAMETER = "taxonomy"
RENDERED_MARK = "# Rendered from "
"""How every rendered file begins."""


def render(ensemble: Ensemble, repository: Repository) -> str:
    """Text of the ensemble's config.pbtxt, the same on every machine.

    Raises:
        TaxonomyRefused: the ensemble publishes a taxonomy, and its file is missing or broken.
    """
    parts = [_header(ensemble), format_config(derive_config(ensemble, repository))]
    path = taxonomy_path(ensemble, repository.root)
    if path is not None and ensemble.taxonomy_model is not None:
        parts.append(_taxonomy_parameter(read_taxonomy(path, ensemble.taxonomy_model)))
    return "".join(parts)


def taxonomy_path(ensemble: Ensemble, root: Path) -> Path | None:
    """The taxonomy.json of the very version that the ensemble pins; None where it publishes none."""
    version = next((step.version for step in ensemble.steps if step.model == ensemble.taxonomy_model), 1)
    return root / ensemble.taxonomy_model / str(version) / FILE_NAME if ensemble.taxonomy_model else None


def _header(ensemble: Ensemble) -> str:
    return (
        f"{RENDERED_MARK}{wiring_file(ensemble).as_posix()} by `python -m ensembles render`.\n"
        "# Change the wiring or the composing models' configs and render again: `python -m ensembles check`\n"
        "# refuses a copy that differs.\n"
    )


def _taxonomy_parameter(classes: Sequence[TaxonomyClass]) -> str:
    """The parameter as protobuf text, one class per line.

    Adjacent literals are one string to the parser; kept apart, a new class is one line of a diff.
    """
    entries = [entry.to_json() for entry in classes]
    lines = ["[", *(f"{entry}," for entry in entries[:-1]), entries[-1], "]"]
    literals = "\n".join(f"      {_single_quoted(line)}" for line in lines)
    return f'parameters {{\n  key: "{TAXONOMY_PARAMETER}"\n  value {{\n    string_value:\n{literals}\n  }}\n}}\n'


def _single_quoted(ascii_text: str) -> str:
    """A protobuf text literal; JSON is full of double quotes, which need no escape between single ones."""
    return "'" + ascii_text.replace("\\", "\\\\").replace("'", "\\'") + "'"
