"""`release fetch`: from a store, or from the checkout, to a folder that a server mounts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ensembles.errors import ManifestMalformed
from ensembles.releases.disk import (
    exclusive,
    explained_full_disk,
    point_link,
    remove_tree,
    rename_durably,
    require_space,
    sync_folder,
    write_durably,
)
from ensembles.releases.download import BlobSource, download_blob
from ensembles.releases.manifest import Manifest
from ensembles.releases.manifest_reader import parse_manifest
from ensembles.releases.transfer_progress import TransferProgress
from ensembles.releases.verification import has_its_files, refuse_unservable, sha256_of

MANIFEST_COPY = "release.json"
"""In a fetched release: its manifest. Triton ignores plain files beside the models' folders."""
WORKSHOP = ".fetching"
"""Beside the fetched releases: parts, blobs and the folder being built. Nothing in it is ever served."""
CURRENT = "current"
"""Beside the fetched releases: a symbolic link to the one fetched last."""


@dataclass(frozen=True)
class Fetched:
    """What fetching did."""

    folder: Path
    downloaded: int
    """Blobs that came from the source."""
    downloaded_bytes: int


def fetch(
    manifest: Manifest,
    source: BlobSource,
    into: Path,
    progress: TransferProgress,
    *,
    keep_current: bool = False,
    verify: Callable[[Path, Manifest], None] = refuse_unservable,
) -> Fetched:
    """Make `into/<N>/` a complete model repository, and point `into/current` at it.

    Killed at any moment, `into/<N>/` is complete or absent, and `current` points at a complete release. Several
    processes may fetch into one folder: one works, the others wait and find it done. Files that another release in
    `into` has are linked instead of fetched.

    Args:
        manifest: of the release.
        source: where blobs come from.
        into: the folder of releases; made where it is missing.
        progress: told about bytes.
        keep_current: leave `current` where it points.
        verify: refuses a repository that no server could serve.

    Raises:
        BlobCorrupt, StoreUnavailable, DiskFull, ManifestMalformed, Refused: nothing was changed, except that what
            came is kept for the next try.
    """
    target, workshop = into / str(manifest.number), into / WORKSHOP
    workshop.mkdir(parents=True, exist_ok=True)
    with exclusive(workshop / "lock"):
        downloaded: dict[str, int] = {}
        for leftover in into.glob(".removed.*"):
            shutil.rmtree(leftover)
        if not _is_there(target, manifest):
            with explained_full_disk(into, sum(manifest.blobs().values())):
                downloaded = _build(manifest, source, into, progress, verify)
        if not keep_current:
            point_link(into / CURRENT, target.name)
    return Fetched(target, len(downloaded), sum(downloaded.values()))


def _is_there(target: Path, manifest: Manifest) -> bool:
    """Whether the release was fetched before and is still what it was."""
    copy = target / MANIFEST_COPY
    return (
        copy.is_file()
        and parse_manifest(copy.read_text(encoding="utf-8", errors="replace"), str(copy)) == manifest
        and has_its_files(target, manifest)
    )


def _build(
    manifest: Manifest,
    source: BlobSource,
    into: Path,
    progress: TransferProgress,
    verify: Callable[[Path, Manifest], None],
) -> dict[str, int]:
    target, workshop = into / str(manifest.number), into / WORKSHOP
    building = workshop / "building"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    known = _files_of_other_releases(into, manifest.number)
    missing = {sha256: size for sha256, size in manifest.blobs().items() if sha256 not in known}
    present = sum(path.stat().st_size for path in workshop.iterdir() if path.is_file())
    require_space(into, sum(missing.values()) - present)
    progress.start(sum(missing.values()))
    blobs = {sha256: path for sha256, path in known.items() if sha256 in manifest.blobs()}
    for sha256, size_bytes in missing.items():
        try:
            blobs[sha256] = download_blob(source, sha256, size_bytes, workshop, progress.advance)
        except OSError:
            (workshop / f"{sha256}.part").unlink(missing_ok=True)  # a full disk: give the room back
            raise
    for file in manifest.files():
        path = building / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        _link_or_copy(blobs[file.sha256], path)
        path.chmod(0o644)  # a server may run as another user
    write_durably(building / MANIFEST_COPY, [manifest.to_json().encode()])
    verify(building, manifest)
    for folder in (building, *(entry for entry in building.rglob("*") if entry.is_dir())):
        sync_folder(folder)
    remove_tree(target)  # only where it was damaged
    rename_durably(building, target)
    for sha256 in missing:
        (workshop / sha256).unlink(missing_ok=True)
    return missing


def _files_of_other_releases(into: Path, number: int) -> dict[str, Path]:
    """Files by sha256 of the releases that lie here already, each read and found right."""
    found: dict[str, Path] = {}
    for copy in sorted(into.glob(f"[1-9]*/{MANIFEST_COPY}")):
        if copy.parent.name == str(number):
            continue
        try:
            manifest = parse_manifest(copy.read_text(encoding="utf-8", errors="replace"), str(copy))
        except ManifestMalformed:
            continue
        for file in manifest.files():
            path = copy.parent / file.path
            if file.sha256 not in found and path.is_file() and sha256_of(path) == file.sha256:
                found[file.sha256] = path
    return found


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
