"""Whether a folder is a release, down to the tensors: asked before it may be seen under its name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from google.protobuf.message import DecodeError

from ensembles.checks import find_load_problems
from ensembles.checks.head_classes import CLASS_IDS
from ensembles.checks.onnx_graph import read_onnx, served_onnx_files
from ensembles.errors import ManifestMalformed, Refused
from ensembles.releases.checkout import classes_taken_over
from ensembles.releases.manifest import Manifest
from ensembles.repository import load_repository
from ensembles.taxonomy import read_taxonomy


def has_its_files(folder: Path, manifest: Manifest) -> bool:
    """Whether every file of the release lies in a folder with its very bytes."""
    return all(
        (path := folder / file.path).is_file()
        and path.stat().st_size == file.size_bytes
        and sha256_of(path) == file.sha256
        for file in manifest.files()
    )


def refuse_unservable(folder: Path, manifest: Manifest) -> None:
    """Check what Triton would trip over, and what manifest and files say of classes.

    Args:
        folder: a whole model repository, every file as the manifest pins it.
        manifest: of the release.

    Raises:
        Refused: Triton would refuse the repository; every problem is listed.
        ManifestMalformed: the manifest names classes that the taxonomy or the head's graph does not have.
    """
    problems = find_load_problems(folder)
    if problems:
        raise Refused(problems)
    _refuse_other_classes(folder, manifest)
    for name, ensemble in manifest.ensembles.items():
        if ensemble.taxonomy is None:
            continue
        dropped = classes_taken_over(folder / Path(ensemble.taxonomy).with_name("model.onnx"))
        if dropped != dict(ensemble.taken_over):
            raise ManifestMalformed(
                f"release {manifest.number}: the manifest says that {name} drops {dict(ensemble.taken_over)} of its "
                f"heads, the graph beside {ensemble.taxonomy} drops {dropped}. Make the release again from its commit."
            )
        known = {entry.id for entry in read_taxonomy(folder / ensemble.taxonomy, ensemble.taxonomy.split("/")[0])}
        for head in sorted(ensemble.composing.keys() & manifest.models.keys()):
            ids = manifest.models[head].class_ids.get(ensemble.composing[head], ())
            unknown = sorted({*ids} - known)
            if unknown:
                raise ManifestMalformed(
                    f"release {manifest.number}: {head} answers class ids {unknown} that the taxonomy of {name} "
                    f"({ensemble.taxonomy}) does not have. Add the classes to training's taxonomy, "
                    "export label propagation again and make a new release."
                )


def sha256_of(path: Path) -> str:
    """Hash a file without holding it in memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_other_classes(folder: Path, manifest: Manifest) -> None:
    for model, path in served_onnx_files(load_repository(folder)):
        declared = manifest.models[model.name].class_ids if model.name in manifest.models else {}
        version = int(path.parent.name)
        if version not in declared:
            continue
        try:
            properties = {entry.key: entry.value for entry in read_onnx(path).metadata_props}
            answered = tuple(sorted(json.loads(properties.get(CLASS_IDS, "[]"))))
        except (DecodeError, ValueError, TypeError):
            answered = ()
        if answered != tuple(sorted(declared[version])):
            raise ManifestMalformed(
                f"release {manifest.number}: the manifest says that {model.name}/{version} answers class ids "
                f"{sorted(declared[version])}, its graph says {list(answered)}. Make the release again from its commit."
            )
