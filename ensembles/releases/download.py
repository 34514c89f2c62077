"""One blob from a store to this disk: in pieces, resumed, tried again, and believed only by its sha256."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ensembles.errors import BlobCorrupt, StoreUnavailable
from ensembles.releases.disk import rename_durably, sync_file
from ensembles.releases.store import describe

PIECE_BYTES = 8 << 20
TRIES_WITHOUT_PROGRESS = 5
FIRST_PAUSE_S = 0.5


class BlobSource(Protocol):
    """Where blobs come from."""

    url: str

    def read_blob(self, sha256: str, start: int, end: int) -> bytes:
        """Bytes `start` to `end`, or the whole blob from a server that knows no ranges."""
        ...


def download_blob(
    source: BlobSource,
    sha256: str,
    size_bytes: int,
    folder: Path,
    on_bytes: Callable[[int], None],
) -> Path:
    """Bring a blob to `folder/<sha256>`.

    What an earlier try left in `folder/<sha256>.part` is continued. A store that dies on the way is asked again, with
    growing pauses, until nothing has come `TRIES_WITHOUT_PROGRESS` times in a row.

    Args:
        source: the store.
        sha256: of the blob.
        size_bytes: of the blob.
        folder: on this disk.
        on_bytes: told how many bytes more are there.

    Raises:
        BlobCorrupt: the store has other bytes; it was asked for all of them twice.
        StoreUnavailable: the store lacks the blob, or stopped answering; the part stays for the next run.
        OSError: this disk is full or fails.
    """
    finished, part = folder / sha256, folder / f"{sha256}.part"
    if finished.is_file() and _sha256_of(finished) == sha256:
        on_bytes(size_bytes)
        return finished
    received = ""
    for _ in range(2):  # the second time from the start: the part may be of an interrupted write
        received = _complete(source, sha256, size_bytes, part, on_bytes)
        if received == sha256:
            rename_durably(part, finished)
            return finished
        part.unlink()
        on_bytes(-size_bytes)
    raise BlobCorrupt(
        f"{source.url}: blob {sha256} is corrupt: its bytes have sha256 {received}. Nothing was changed here. "
        "Publish the release again from its commit after removing the blob from the store."
    )


def _complete(source: BlobSource, sha256: str, size_bytes: int, part: Path, on_bytes: Callable[[int], None]) -> str:
    """Append to the part until it is whole; returns its sha256."""
    digest = hashlib.sha256()
    with part.open("a+b") as file:
        file.seek(0)
        while known := file.read(PIECE_BYTES):
            digest.update(known)
        at = file.tell()
        if at > size_bytes:
            file.truncate(0)
            digest, at = hashlib.sha256(), 0
        on_bytes(at)
        failures = 0
        while at < size_bytes:
            try:
                piece = source.read_blob(sha256, at, min(at + PIECE_BYTES, size_bytes))
                if len(piece) > min(PIECE_BYTES, size_bytes - at):
                    piece = piece[at:]  # all of it came: the server knows no ranges
                if not piece:
                    raise EOFError(f"the store ended after {at} of {size_bytes} bytes")
            except FileNotFoundError as error:
                raise StoreUnavailable(
                    f"{source.url} lacks blob {sha256}, which the release names. Publish the release again."
                ) from error
            except Exception as error:  # every driver has its own errors, without a common base
                failures += 1
                if failures >= TRIES_WITHOUT_PROGRESS:
                    raise StoreUnavailable(
                        f"{source.url} stopped answering after {at:,} of {size_bytes:,} bytes of blob {sha256[:12]} "
                        f"({failures} tries): {describe(error)}. What came is kept: run the same "
                        "command again to go on."
                    ) from error
                time.sleep(FIRST_PAUSE_S * 2 ** (failures - 1))
                continue
            piece = piece[: size_bytes - at]
            file.write(piece)
            digest.update(piece)
            at += len(piece)
            failures = 0
            on_bytes(len(piece))
        sync_file(file)
    return digest.hexdigest()


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
