"""The manifests that this checkout holds: `releases/<N>.json`."""

from __future__ import annotations

from pathlib import Path

from ensembles.atomic_write import write_atomically
from ensembles.errors import ManifestMalformed, ReleaseUnknown
from ensembles.releases.manifest import Manifest
from ensembles.releases.manifest_reader import parse_manifest

DEFAULT_FOLDER = Path(__file__).parents[2] / "releases"


def committed_numbers(folder: Path) -> list[int]:
    """Numbers of the releases in a folder, ascending."""
    stems = [path.stem for path in folder.glob("*.json")]
    return sorted(int(stem) for stem in stems if stem.isdecimal() and not stem.startswith("0"))


def manifest_path(folder: Path, number: int) -> Path:
    """Where release `number` is or would be."""
    return folder / f"{number}.json"


def read_committed(folder: Path, number: int) -> Manifest:
    """Read one release.

    Raises:
        ReleaseUnknown: the folder has no such release.
        ManifestMalformed: the file is no manifest, or of another number.
    """
    path = manifest_path(folder, number)
    if not path.is_file():
        known = ", ".join(map(str, committed_numbers(folder))) or "none"
        raise ReleaseUnknown(f"there is no release {number} in {folder}. It has: {known}.")
    manifest = parse_manifest(path.read_text(encoding="utf-8"), str(path))
    if manifest.number != number:
        raise ManifestMalformed(f"{path} says that it is release {manifest.number}. Give it back its own name.")
    return manifest


def read_all_committed(folder: Path) -> list[Manifest]:
    """Every release of a folder, oldest first."""
    return [read_committed(folder, number) for number in committed_numbers(folder)]


def write_committed(folder: Path, manifest: Manifest) -> Path:
    """Write a manifest, atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    path = manifest_path(folder, manifest.number)
    write_atomically(path, manifest.to_json())
    return path
