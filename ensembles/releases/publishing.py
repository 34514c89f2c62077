"""`release publish`: from the checkout to a store."""

from __future__ import annotations

from dataclasses import dataclass

from ensembles.errors import BlobCorrupt, ReleaseChanged
from ensembles.releases.checkout import Candidate
from ensembles.releases.manifest import Manifest
from ensembles.releases.store import Store
from ensembles.releases.store_markers import publishing
from ensembles.releases.transfer_progress import TransferProgress


@dataclass(frozen=True)
class Published:
    """What publishing did."""

    uploaded: int
    """Blobs that the store did not have."""
    uploaded_bytes: int
    was_there: bool
    """The release had been published before, with the same content."""


def publish(manifest: Manifest, candidate: Candidate, store: Store, progress: TransferProgress) -> Published:
    """Bring every blob of a release to a store, then its manifest.

    Killed at any moment, the store has the release or not, never half of it; run again, it goes on where it was.

    Args:
        manifest: the committed release.
        candidate: what the checkout would release under the same number: the bytes.
        store: where to.
        progress: told about bytes.

    Raises:
        ReleaseChanged: the checkout no longer holds the files, or the store has another release of this number.
        StoreUnavailable: the store cannot be written.
    """
    store.require_writable()
    there = store.manifest_text(manifest.number)
    if there is not None and there != manifest.to_json():
        raise ReleaseChanged(
            f"{store.url} has another release {manifest.number}; a published release never changes. "
            "Make yours the next number: python -m ensembles release new"
        )
    missing = [file.path for file in manifest.files() if file.sha256 not in candidate.contents]
    if missing:
        raise ReleaseChanged(
            f"the checkout no longer holds what release {manifest.number} pins: {', '.join(missing[:5])}"
            f"{' ...' if len(missing) > 5 else ''}. Check out the commit that made the release, or make the next one: "
            "python -m ensembles release new"
        )
    with publishing(store, manifest) as require_fresh_note:
        uploaded = {}
        sizes = manifest.blobs()
        stored = {sha256: store.blob_size(sha256) for sha256 in sizes}
        progress.start(sum(size for sha256, size in sizes.items() if stored[sha256] != size))
        for sha256, size_bytes in sizes.items():
            if stored[sha256] == size_bytes:
                continue
            content = candidate.contents[sha256]
            if content.describe().sha256 != sha256:
                raise ReleaseChanged(f"{content.path} changed while it was being published. Run the command again.")
            store.write_blob(sha256, content)
            if store.blob_size(sha256) != size_bytes:
                raise BlobCorrupt(f"{store.url} did not keep {content.path} whole. Run the command again.")
            uploaded[sha256] = size_bytes
            progress.advance(size_bytes)
        require_fresh_note()
        if there is None:
            store.write_manifest(manifest)
    return Published(uploaded=len(uploaded), uploaded_bytes=sum(uploaded.values()), was_there=there is not None)
