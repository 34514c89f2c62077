"""What the commands of `python -m ensembles release` do, each with what it prints."""

from __future__ import annotations

import argparse
import hashlib
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from ensembles import wiring
from ensembles.checks import find_problems
from ensembles.errors import BlobCorrupt, Refused, ReleaseChanged, ReleaseError
from ensembles.memory_pools import MemoryPools
from ensembles.releases.checkout import Candidate, build_candidate
from ensembles.releases.checkout_source import CheckoutSource
from ensembles.releases.collecting import collect_garbage
from ensembles.releases.committed import committed_numbers, read_all_committed, read_committed, write_committed
from ensembles.releases.difference import describe_difference, megabytes
from ensembles.releases.download import PIECE_BYTES, BlobSource
from ensembles.releases.fetching import fetch
from ensembles.releases.immutability import find_changed_folders, refuse_reused_versions
from ensembles.releases.manifest import Manifest
from ensembles.releases.publishing import publish
from ensembles.releases.store import Store
from ensembles.releases.transfer_progress import TransferProgress


def new(options: argparse.Namespace, console: Console) -> int:
    """Write the next manifest."""
    earlier = read_all_committed(options.releases)
    if options.amend:
        if not earlier:
            raise ReleaseError(f"{options.releases} has no release to amend. Leave out --amend to make the first.")
        earlier, amended = earlier[:-1], earlier[-1]
        number, notes = amended.number, options.notes or amended.notes
    else:
        number, notes = (earlier[-1].number if earlier else 0) + 1, options.notes
    problems = find_problems(options.model_repository, wiring.all_ensembles(), MemoryPools())
    if problems:
        raise Refused(problems)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = _candidate(options, number, created=created, notes=notes).manifest
    refuse_reused_versions(manifest, earlier, options.model_repository)
    if earlier and _candidate(options, earlier[-1].number).manifest.content() == earlier[-1].content():
        raise ReleaseError(
            f"nothing that is served differs from release {earlier[-1].number}: there is nothing to release"
        )
    path = write_committed(options.releases, manifest)
    _say(console, f"release {number}: {len(manifest.blobs())} files, {megabytes(manifest.size_bytes)}: {path}")
    if earlier:
        _say(console, *describe_difference(earlier[-1], manifest))
    return 0


def check(options: argparse.Namespace, console: Console) -> int:
    """Check manifests, the checkout against one, and a store."""
    manifests = read_all_committed(options.releases)
    if not manifests:
        raise ReleaseError(f"{options.releases} has no release. Make the first: python -m ensembles release new")
    for index, manifest in enumerate(manifests):
        refuse_reused_versions(manifest, manifests[:index])
    number = options.number or manifests[-1].number
    chosen = read_committed(options.releases, number)
    if options.store is not None:
        _check_store(chosen, Store(options.store), console)
    changed = find_changed_folders(chosen, options.model_repository)
    if changed:
        amend = (
            ""
            if number != manifests[-1].number
            else (f"\n  If nobody has published release {number} yet: python -m ensembles release new --amend")
        )
        raise ReleaseChanged("\n  ".join(["released version folders were changed:", *changed]) + amend)
    candidate = _candidate(options, number).manifest
    if candidate.content() == chosen.content():
        _say(console, f"all well: release {number} is what this checkout holds; releases: {len(manifests)}")
        return 0
    is_newest = number == manifests[-1].number
    what = "a new release is due" if is_newest else f"this checkout has gone on since release {number}"
    _say(console, f"{what}:", *(f"  {line}" for line in describe_difference(chosen, candidate)))
    if is_newest:
        _say(console, "make it with: python -m ensembles release new")
    return 1 if options.strict else 0


def diff(options: argparse.Namespace, console: Console) -> int:
    """Show what changes between two releases."""
    before = _manifest(options, options.before)
    after = _manifest(options, options.after) if options.after else _candidate(options, before.number + 1).manifest
    _say(console, *describe_difference(before, after))
    return 0


def list_releases(options: argparse.Namespace, console: Console) -> int:
    """List releases, newest first."""
    numbers = Store(options.store).numbers() if options.store else committed_numbers(options.releases)
    for number in reversed(numbers):
        manifest = _manifest(options, number)
        pinned = ", ".join(
            f"{name} {'+'.join(map(str, model.versions))}" for name, model in sorted(manifest.models.items())
        )
        notes = f"  {manifest.notes}" if manifest.notes else ""
        _say(console, f"{number}  {manifest.created}  {megabytes(manifest.size_bytes)}  {pinned}{notes}")
    if not numbers:
        _say(console, f"no releases in {options.store or options.releases}")
    return 0


def publish_release(options: argparse.Namespace, console: Console) -> int:
    """Bring a release to a store."""
    manifest = read_committed(options.releases, options.number)
    store = Store(options.store)
    with TransferProgress(f"publishing release {manifest.number}") as progress:
        done = publish(manifest, _candidate(options, manifest.number), store, progress)
    already = " (it was there before)" if done.was_there else ""
    _say(
        console,
        f"release {manifest.number} is in {store.url}{already}: "
        f"{done.uploaded} files uploaded, {megabytes(done.uploaded_bytes)}",
    )
    return 0


def fetch_release(options: argparse.Namespace, console: Console) -> int:
    """Make a release a folder of this machine."""
    manifest, source = open_release(options)
    with TransferProgress(f"fetching release {manifest.number}") as progress:
        done = fetch(manifest, source, options.into, progress, keep_current=options.keep_current)
    _say(
        console,
        f"release {manifest.number} is in {done.folder}: "
        f"{done.downloaded} files fetched, {megabytes(done.downloaded_bytes)}",
    )
    return 0


def gc(options: argparse.Namespace, console: Console) -> int:
    """Collect garbage in a store."""
    garbage = collect_garbage(Store(options.store), keep=options.keep, dry_run=options.dry_run)
    verb = "would remove" if options.dry_run else "removed"
    releases = ", ".join(map(str, garbage.releases)) or "none"
    _say(console, f"{verb} releases: {releases}; blobs: {garbage.blobs}, {megabytes(garbage.size_bytes)}")
    return 0


def open_release(options: argparse.Namespace) -> tuple[Manifest, BlobSource]:
    """The release that a command names, and where its files come from: the store, or the checkout."""
    if options.store:
        store = Store(options.store)
        return store.manifest(options.number), store
    manifest = read_committed(options.releases, options.number)
    return manifest, CheckoutSource(_candidate(options, manifest.number), manifest)


def _check_store(manifest: Manifest, store: Store, console: Console) -> None:
    if store.manifest(manifest.number) != manifest:
        raise ReleaseChanged(f"{store.url} has another release {manifest.number} than {manifest.number}.json here")
    for sha256, size_bytes in manifest.blobs().items():
        digest = hashlib.sha256()
        for start in range(0, size_bytes, PIECE_BYTES):
            digest.update(store.read_blob(sha256, start, min(start + PIECE_BYTES, size_bytes)))
        if digest.hexdigest() != sha256:
            raise BlobCorrupt(
                f"{store.url}: blob {sha256} is corrupt. Remove it there and publish the release again from its commit."
            )
    _say(console, f"{store.url} holds release {manifest.number}, every blob as it should be")


def _manifest(options: argparse.Namespace, number: int) -> Manifest:
    return Store(options.store).manifest(number) if options.store else read_committed(options.releases, number)


def _candidate(options: argparse.Namespace, number: int, *, created: str = "", notes: str = "") -> Candidate:
    root: Path = options.model_repository
    return build_candidate(root, wiring.all_ensembles(), number=number, created=created, notes=notes)


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
