"""What the checkout would release: every file with its content, and the manifest that describes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ensembles.checks.head_classes import CLASS_IDS, HEAD_PREFIX
from ensembles.checks.onnx_graph import read_onnx
from ensembles.errors import ReleaseError
from ensembles.graph import Ensemble
from ensembles.model import Model
from ensembles.releases.manifest import Manifest, ReleasedEnsemble, ReleasedFile, ReleasedModel
from ensembles.releases.pinned_config import pin_versions
from ensembles.rendering import render, taxonomy_path
from ensembles.repository import Repository, load_repository, targets

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Content:
    """One file of the release and where its bytes are: in a file of the checkout, or made for the release."""

    path: str
    """In the released repository."""
    source: Path | bytes

    def chunks(self) -> Iterator[bytes]:
        """The bytes, in pieces."""
        if isinstance(self.source, bytes):
            yield self.source
            return
        with self.source.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk

    def describe(self) -> ReleasedFile:
        """Path, sha256 and size; reads the whole file."""
        digest, size_bytes = hashlib.sha256(), 0
        for chunk in self.chunks():
            digest.update(chunk)
            size_bytes += len(chunk)
        return ReleasedFile(path=self.path, sha256=digest.hexdigest(), size_bytes=size_bytes)


@dataclass(frozen=True)
class Candidate:
    """What the checkout would release under a number."""

    manifest: Manifest
    contents: Mapping[str, Content]
    """By sha256."""


def build_candidate(
    root: Path, wirings: Sequence[Ensemble], *, number: int, created: str = "", notes: str = ""
) -> Candidate:
    """Describe the checkout's model repository as release `number`.

    Every model of the repository is in it: in the versions to which ensembles are pinned, or, where none names it,
    in those that its config serves. Ensembles are rendered as version `number`.

    Args:
        root: the model repository; it is expected to pass `ensembles check`.
        wirings: the ensembles.
        number: of the release.
        created: ISO 8601.
        notes: for people.

    Raises:
        ReleaseError: a config's own version_policy contradicts the wirings.
        Refused: a config or a taxonomy cannot be read.
    """
    repository = load_repository(root)
    contents: dict[str, Content] = {}

    def described(found: Iterator[Content]) -> tuple[ReleasedFile, ...]:
        files = []
        for content in found:
            file = content.describe()
            contents[file.sha256] = content
            files.append(file)
        return tuple(sorted(files, key=lambda file: file.path))

    pinned = _pinned_versions(wirings)
    names = {ensemble.name for ensemble in wirings}
    models = {}
    for model in repository.models.values():
        if model.name in names:
            continue
        versions = tuple(sorted(pinned.get(model.name, ()) or model.served_versions()))
        models[model.name] = ReleasedModel(
            versions=versions,
            class_ids={version: ids for version in versions if (ids := _class_ids(model, version)) is not None},
            files=described(_contents_of_model(model, versions)),
        )
    ensembles = {}
    for ensemble in (_at_version(ensemble, names, number) for ensemble in wirings):
        taxonomy = taxonomy_path(ensemble, root)
        ensembles[ensemble.name] = ReleasedEnsemble(
            version=number,
            composing=_composing(ensemble),
            taxonomy=None if taxonomy is None else taxonomy.relative_to(root).as_posix(),
            taken_over={} if taxonomy is None else classes_taken_over(taxonomy.with_name("model.onnx")),
            taxonomy_sha256=None if taxonomy is None else Content("", taxonomy).describe().sha256,
            files=described(_contents_of_ensemble(ensemble, repository, number)),
        )
    manifest = Manifest(
        number=number,
        created=created,
        notes=notes,
        targets=tuple(targets(root)),
        models=models,
        ensembles=ensembles,
    )
    return Candidate(manifest, contents)


def _pinned_versions(wirings: Sequence[Ensemble]) -> dict[str, set[int]]:
    pinned: dict[str, set[int]] = {}
    for ensemble in wirings:
        for step in ensemble.steps:
            pinned.setdefault(step.model, set()).add(step.version)
    return pinned


def _at_version(ensemble: Ensemble, names: set[str], number: int) -> Ensemble:
    """The wiring in which every step that is an ensemble itself is pinned to the release too."""
    steps = (replace(step, version=number) if step.model in names else step for step in ensemble.steps)
    return replace(ensemble, steps=tuple(steps))


def _composing(ensemble: Ensemble) -> dict[str, int]:
    composing: dict[str, int] = {}
    for step in ensemble.steps:
        if composing.setdefault(step.model, step.version) != step.version:
            raise ReleaseError(
                f"ensemble {ensemble.name} uses {step.model} in versions {composing[step.model]} and {step.version}. "
                "A release pins one version of a model per ensemble: make the other a model of its own."
            )
    return composing


def _contents_of_model(model: Model, versions: Sequence[int]) -> Iterator[Content]:
    for path in (model.folder / "config.pbtxt", *sorted((model.folder / "configs").glob("*.pbtxt"))):
        text = pin_versions(path.read_text(encoding="utf-8"), versions, str(path))
        yield Content(path.relative_to(model.folder.parent).as_posix(), text.encode())
    for version in versions:
        yield from contents_of_version(model.folder, version)


def contents_of_version(model_folder: Path, version: int) -> Iterator[Content]:
    """The files of a version folder, without what an interpreter or a file manager leaves there."""
    folder = model_folder / str(version)
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.is_file() and "__pycache__" not in inside and not any(part.startswith(".") for part in inside):
            yield Content(path.relative_to(model_folder.parent).as_posix(), path)


def _contents_of_ensemble(ensemble: Ensemble, repository: Repository, number: int) -> Iterator[Content]:
    text = pin_versions(render(ensemble, repository), [number], ensemble.name)
    yield Content(f"{ensemble.name}/config.pbtxt", text.encode())
    # Triton wants a version folder of an ensemble too, and stores keep no empty ones.
    yield Content(f"{ensemble.name}/{number}/.gitkeep", b"")


def classes_taken_over(label_propagation: Path) -> dict[str, tuple[int, ...]]:
    """What label propagation drops of each head, as its graph's metadata says; nothing where it is silent."""
    if not label_propagation.is_file():
        return {}
    properties = {entry.key: entry.value for entry in read_onnx(label_propagation).metadata_props}
    taken_over = json.loads(properties.get("taken_over", "{}"))
    return {head: tuple(sorted(ids)) for head, ids in sorted(taken_over.items()) if ids}


def _class_ids(model: Model, version: int) -> tuple[int, ...] | None:
    """What a head's graph says that it answers; None for other models, and where `ensembles check` complains."""
    if not model.name.startswith(HEAD_PREFIX) or model.file_name is None:
        return None
    path = model.folder / str(version) / model.file_name
    if path.suffix != ".onnx" or not path.is_file():
        return None
    properties = {entry.key: entry.value for entry in read_onnx(path).metadata_props}
    return tuple(sorted(json.loads(properties[CLASS_IDS]))) if CLASS_IDS in properties else None
