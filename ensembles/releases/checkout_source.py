"""The checkout as a source of releases, for a machine that has no store."""

from __future__ import annotations

from pathlib import Path

from ensembles.errors import ReleaseChanged
from ensembles.releases.checkout import Candidate
from ensembles.releases.manifest import Manifest


class CheckoutSource:
    """Blobs out of the files of this checkout."""

    def __init__(self, candidate: Candidate, manifest: Manifest) -> None:
        """Offer what the checkout holds of a release.

        Args:
            candidate: the checkout, described under the release's number.
            manifest: the release.

        Raises:
            ReleaseChanged: the checkout holds other files.
        """
        self.url = "this checkout"
        self._contents = candidate.contents
        changed = [file.path for file in manifest.files() if file.sha256 not in candidate.contents]
        if changed:
            raise ReleaseChanged(
                f"this checkout is not release {manifest.number}: {', '.join(changed[:5])}"
                f"{' ...' if len(changed) > 5 else ''} {'differ' if len(changed) > 1 else 'differs'}. "
                f"Fetch the release from a store with --store URL, or make a new one: python -m ensembles release new"
            )

    def read_blob(self, sha256: str, start: int, end: int) -> bytes:
        """Bytes `start` to `end`."""
        source = self._contents[sha256].source
        if isinstance(source, Path):
            with source.open("rb") as file:
                file.seek(start)
                return file.read(end - start)
        return source[start:end]
