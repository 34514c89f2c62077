"""`release gc`: remove from a store what no kept release names."""

from __future__ import annotations

from dataclasses import dataclass

from ensembles.errors import ReleaseError, StoreUnavailable
from ensembles.releases.store import Store, blob_name
from ensembles.releases.store_markers import blobs_being_published, collecting


@dataclass(frozen=True)
class Garbage:
    """What was removed, or would be."""

    releases: tuple[int, ...]
    blobs: int
    size_bytes: int


def collect_garbage(store: Store, *, keep: int, dry_run: bool) -> Garbage:
    """Keep the newest releases and every blob that one of them, or somebody who publishes just now, relies on.

    Manifests go first, so that nobody begins to fetch what is about to go. Killed at any moment, what is kept is
    whole, and the next run removes the rest.

    Args:
        store: a store that can be listed and written.
        keep: number of releases to keep, at least 1.
        dry_run: only say what would go.

    Raises:
        ReleaseError: `keep` would keep nothing.
        StoreUnavailable: the store failed, or it took so long that going on would not be safe.
    """
    if keep < 1:
        raise ReleaseError(f"--keep must be 1 or more, got {keep}: a store without its newest release serves nobody")
    store.require_writable()
    if dry_run:
        return _plan(store, keep)[0]
    with collecting(store) as has_time:
        garbage, names = _plan(store, keep)
        for number in garbage.releases:
            store.remove_manifest(number)
        for name in names:
            if not has_time():
                raise StoreUnavailable(f"{store.url}: removing takes too long to go on safely. Run the command again.")
            store.remove(name)
    return garbage


def _plan(store: Store, keep: int) -> tuple[Garbage, list[str]]:
    # In this order: a release that appears after the blobs were listed has noted them, or its manifest is read later.
    files = store.blob_files()
    in_progress = blobs_being_published(store)
    numbers = store.numbers()
    kept, gone = numbers[-keep:], numbers[:-keep]
    named = {sha256 for number in kept for sha256 in store.manifest(number).blobs()}
    names = sorted(
        name
        for name, file in files.items()
        if file.sha256 not in in_progress and not (file.sha256 in named and name == blob_name(file.sha256))
    )
    size_bytes = sum(files[name].size_bytes for name in names)
    return Garbage(releases=tuple(gone), blobs=len(names), size_bytes=size_bytes), names
