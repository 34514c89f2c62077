"""From the text of a manifest to a `Manifest`, trusting nothing: it may come from anybody's store."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any, TypeVar

from ensembles.errors import ManifestMalformed
from ensembles.releases.manifest import SCHEMA, Manifest, ReleasedEnsemble, ReleasedFile, ReleasedModel

_Part = TypeVar("_Part")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def parse_manifest(text: str, source: str) -> Manifest:
    """Read and check a manifest.

    Args:
        text: of `releases/<N>.json`.
        source: where it comes from, for the error.

    Raises:
        ManifestMalformed: naming the first place that is wrong, a path out of its model's folder included.
    """
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise ManifestMalformed(f"{source} is not JSON: {error}. {_ADVICE}") from error
    return _Reader(source).manifest(entries)


_ADVICE = "Take the file from the commit or store that made it: manifests are never edited by hand."


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source

    def manifest(self, entries: Any) -> Manifest:
        self._require_keys(
            entries, "the manifest", {"schema", "number", "created", "notes", "targets", "ensembles", "models"}
        )
        if entries["schema"] != SCHEMA:
            raise self._wrong("schema", f"{SCHEMA}, the format that this version reads", entries["schema"])
        number = self._positive(entries["number"], "number")
        manifest = Manifest(
            number=number,
            created=self._text(entries["created"], "created"),
            notes=self._text(entries["notes"], "notes"),
            targets=tuple(self._text(target, "targets") for target in self._list(entries["targets"], "targets")),
            models=self._parts(entries["models"], "models", self._model),
            ensembles=self._parts(entries["ensembles"], "ensembles", self._ensemble),
        )
        self._require_agreement(manifest)
        return manifest

    def _parts(self, entries: Any, place: str, read: Callable[[str, Any], _Part]) -> dict[str, _Part]:
        if not isinstance(entries, dict):
            raise self._wrong(place, "an object by model name", entries)
        for name in entries:
            if not _NAME.fullmatch(name):
                raise self._wrong(place, "names of letters, digits, '.', '_' and '-'", name)
        return {name: read(name, entry) for name, entry in entries.items()}

    def _model(self, name: str, entry: Any) -> ReleasedModel:
        place = f"models.{name}"
        self._require_keys(entry, place, {"versions", "files"}, optional={"class_ids"})
        versions = tuple(self._positive(version, place) for version in self._list(entry["versions"], place))
        if not versions:
            raise self._wrong(f"{place}.versions", "at least one version", [])
        class_ids = {
            self._version_key(version, f"{place}.class_ids"): tuple(
                self._positive(value, f"{place}.class_ids") for value in self._list(ids, f"{place}.class_ids")
            )
            for version, ids in self._mapping(entry.get("class_ids", {}), f"{place}.class_ids").items()
        }
        return ReleasedModel(
            versions=versions, class_ids=class_ids, files=self._files(name, entry["files"], {*map(str, versions)})
        )

    def _ensemble(self, name: str, entry: Any) -> ReleasedEnsemble:
        place = f"ensembles.{name}"
        self._require_keys(entry, place, {"version", "composing", "taxonomy", "taxonomy_sha256", "taken_over", "files"})
        version = self._positive(entry["version"], f"{place}.version")
        return ReleasedEnsemble(
            version=version,
            composing={
                model: self._positive(pinned, f"{place}.composing")
                for model, pinned in self._mapping(entry["composing"], f"{place}.composing").items()
            },
            taxonomy=None if entry["taxonomy"] is None else self._text(entry["taxonomy"], f"{place}.taxonomy"),
            taxonomy_sha256=None
            if entry["taxonomy_sha256"] is None
            else self._sha256(entry["taxonomy_sha256"], f"{place}.taxonomy_sha256"),
            taken_over={
                head: tuple(self._positive(value, f"{place}.taken_over") for value in self._list(ids, place))
                for head, ids in self._mapping(entry["taken_over"], f"{place}.taken_over").items()
            },
            files=self._files(name, entry["files"], {str(version)}),
        )

    def _files(self, model: str, entries: Any, versions: set[str]) -> tuple[ReleasedFile, ...]:
        files = []
        for entry in self._list(entries, f"files of {model}"):
            self._require_keys(entry, f"a file of {model}", {"path", "sha256", "size_bytes"})
            path = self._text(entry["path"], "path")
            parts = PurePosixPath(path).parts
            is_config = parts[1:] == ("config.pbtxt",) or (len(parts) == 3 and parts[1] == "configs")
            is_inside = len(parts) >= 3 and parts[1] in versions
            if (
                path != "/".join(parts)
                or parts[0] != model
                or ".." in parts
                or "\\" in path
                or not (is_config or is_inside)
            ):
                raise self._wrong(
                    f"files of {model}",
                    f"paths {model}/config.pbtxt, {model}/configs/... or {model}/<version>/...",
                    path,
                )
            size = entry["size_bytes"]
            if not isinstance(size, int) or isinstance(size, bool) or size < 0:
                raise self._wrong(f"size_bytes of {path}", "a number of bytes", size)
            files.append(ReleasedFile(path=path, sha256=self._sha256(entry["sha256"], path), size_bytes=size))
        if len({file.path for file in files}) != len(files):
            raise self._wrong(f"files of {model}", "every path once", "a path twice")
        if f"{model}/config.pbtxt" not in {file.path for file in files}:
            raise self._wrong(f"files of {model}", f"{model}/config.pbtxt among them", "none")
        return tuple(files)

    def _require_agreement(self, manifest: Manifest) -> None:
        both = manifest.models.keys() & manifest.ensembles.keys()
        if both:
            raise self._wrong("models", "no name that is an ensemble too", sorted(both))
        sha256_by_path = {file.path: file.sha256 for file in manifest.files()}
        for name, ensemble in manifest.ensembles.items():
            if ensemble.version != manifest.number:
                raise self._wrong(
                    f"ensembles.{name}.version", f"the release's number {manifest.number}", ensemble.version
                )
            for model, version in ensemble.composing.items():
                inner = manifest.ensembles.get(model)
                served = (
                    manifest.models[model].versions if model in manifest.models else (inner.version,) if inner else ()
                )
                if version not in served:
                    raise self._wrong(
                        f"ensembles.{name}.composing", f"versions that the release holds: {model} has {served}", version
                    )
            for head in ensemble.taken_over:
                if head not in ensemble.composing:
                    raise self._wrong(f"ensembles.{name}.taken_over", "heads of the ensemble", head)
            if ensemble.taxonomy is not None and sha256_by_path.get(ensemble.taxonomy) != ensemble.taxonomy_sha256:
                raise self._wrong(
                    f"ensembles.{name}.taxonomy_sha256",
                    f"the sha256 of {ensemble.taxonomy}: {sha256_by_path.get(ensemble.taxonomy, 'not in the release')}",
                    ensemble.taxonomy_sha256,
                )

    def _require_keys(self, entry: Any, place: str, keys: set[str], optional: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        if not isinstance(entry, dict):
            raise self._wrong(place, "an object", entry)
        for what, names in (("no key", keys - entry.keys()), ("an unknown key", entry.keys() - keys - optional)):
            if names:
                raise self._wrong(place, f"the keys {', '.join(sorted(keys))}", f"{what} {sorted(names)[0]!r}")

    def _mapping(self, value: Any, place: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(place, "an object", value)
        return value

    def _list(self, value: Any, place: str) -> list[Any]:
        if not isinstance(value, list):
            raise self._wrong(place, "a list", value)
        return value

    def _text(self, value: Any, place: str) -> str:
        if not isinstance(value, str):
            raise self._wrong(place, "text", value)
        return value

    def _positive(self, value: Any, place: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self._wrong(place, "a whole number from 1", value)
        return value

    def _version_key(self, value: str, place: str) -> int:
        if not value.isdecimal() or value.startswith("0"):
            raise self._wrong(place, "versions as keys", value)
        return int(value)

    def _sha256(self, value: Any, place: str) -> str:
        if not isinstance(value, str) or not _SHA256.fullmatch(value):
            raise self._wrong(place, "a sha256 of 64 hex digits", value)
        return value

    def _wrong(self, place: str, expected: str, received: object) -> ManifestMalformed:
        shown = str(received) if len(str(received)) < 120 else f"{str(received)[:117]}..."
        return ManifestMalformed(f"{self._source}: {place}: expected {expected}; received {shown}. {_ADVICE}")
