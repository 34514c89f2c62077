"""The manifest of a release: what `releases/<N>.json` holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

SCHEMA = 1
"""Number of this file format."""


@dataclass(frozen=True, kw_only=True)
class ReleasedFile:
    """One file of a released model repository."""

    path: str
    """Relative to the model repository, with forward slashes: `head_generic/1/model.onnx`."""
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class ReleasedModel:
    """A model that is no ensemble."""

    versions: tuple[int, ...]
    """The versions served, ascending."""
    class_ids: Mapping[int, tuple[int, ...]]
    """Of a detector head: per version the ids of the taxonomy that it answers. Empty for other models."""
    files: tuple[ReleasedFile, ...]
    """Its configs and all files of its version folders, by path."""

    def files_of_version(self, name: str, version: int) -> dict[str, ReleasedFile]:
        """The files of one version folder by path; `name` is the model's."""
        return {file.path: file for file in self.files if file.path.startswith(f"{name}/{version}/")}


@dataclass(frozen=True, kw_only=True)
class ReleasedEnsemble:
    """An ensemble, served as the version that is the release's number."""

    version: int
    composing: Mapping[str, int]
    """Model -> the version to which the ensemble is pinned."""
    taxonomy: str | None
    """Path of the taxonomy.json that it publishes, if any."""
    taxonomy_sha256: str | None
    taken_over: Mapping[str, tuple[int, ...]]
    """Head -> ids of its classes for which another head answers now: label propagation drops this head's."""
    files: tuple[ReleasedFile, ...]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A release."""

    number: int
    """1, 2, ...: also the version of every ensemble."""
    created: str
    """ISO 8601, UTC."""
    notes: str
    targets: tuple[str, ...]
    """Targets for which any model has a config of its own, beside the default."""
    models: Mapping[str, ReleasedModel]
    ensembles: Mapping[str, ReleasedEnsemble]

    def files(self) -> Iterator[ReleasedFile]:
        """Every file of the release, models first, by name."""
        for part in (self.models, self.ensembles):
            for name in sorted(part):
                yield from part[name].files

    def blobs(self) -> dict[str, int]:
        """Size in bytes by sha256; equal files are one blob."""
        return {file.sha256: file.size_bytes for file in self.files()}

    @property
    def size_bytes(self) -> int:
        """Size of the model repository."""
        return sum(file.size_bytes for file in self.files())

    def content(self) -> dict[str, Any]:
        """What is released, without when and why: equal for two manifests that serve the same bytes."""
        return {key: value for key, value in self._to_json().items() if key not in {"created", "notes"}}

    def to_json(self) -> str:
        """The text of the file: sorted, one line per file, so that git shows a changed weight as one line."""
        text = json.dumps(self._to_json(), indent=1, ensure_ascii=False)
        return _one_line_each(text) + "\n"

    def _to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "number": self.number,
            "created": self.created,
            "notes": self.notes,
            "targets": list(self.targets),
            "ensembles": {
                name: {
                    "version": ensemble.version,
                    "composing": dict(sorted(ensemble.composing.items())),
                    "taxonomy": ensemble.taxonomy,
                    "taxonomy_sha256": ensemble.taxonomy_sha256,
                    "taken_over": {head: list(ids) for head, ids in sorted(ensemble.taken_over.items())},
                    "files": [asdict(file) for file in ensemble.files],
                }
                for name, ensemble in sorted(self.ensembles.items())
            },
            "models": {
                name: {
                    "versions": list(model.versions),
                    **(
                        {"class_ids": {str(version): list(ids) for version, ids in sorted(model.class_ids.items())}}
                        if model.class_ids
                        else {}
                    ),
                    "files": [asdict(file) for file in model.files],
                }
                for name, model in sorted(self.models.items())
            },
        }


def _one_line_each(text: str) -> str:
    """Put each innermost object or list of an indented JSON text on one line."""
    lines: list[str] = []
    opened: int | None = None
    for line in text.split("\n"):
        stripped = line.strip()
        if line.endswith(("{", "[")):
            opened = len(lines)
        lines.append(line)
        if stripped.rstrip(",") in {"}", "]"} and opened is not None:
            inner = " ".join(part.strip() for part in lines[opened + 1 : -1])
            lines[opened:] = [lines[opened] + inner + stripped]
            opened = None
    return "\n".join(lines)
