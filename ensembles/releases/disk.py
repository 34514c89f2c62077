"""Changes to this machine's disk that survive a crash at any moment: whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ensembles.errors import DiskFull, ReleaseError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_durably(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file beside `path`, flush it to the disk, and rename it over `path`."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
            sync_file(file)
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_file(file: IO[bytes]) -> None:
    """Flush a file to the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder: a rename is only safe from a power cut after this."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename_durably(source: Path, target: Path) -> None:
    """Give a finished file or folder its name."""
    os.replace(source, target)
    sync_folder(target.parent)


def point_link(link: Path, target: str) -> None:
    """Make `link` a symbolic link to `target`; a reader sees the old one or the new one.

    The name aside is always the same, so that a killed run leaves nothing that the next one does not take away: only
    whoever holds the folder's lock may call this.
    """
    aside = link.with_name(f".{link.name}.new")
    aside.unlink(missing_ok=True)
    if link.is_symlink() and os.readlink(link) == target:
        return
    if link.exists() and not link.is_symlink():
        raise ReleaseError(f"{link} is no symbolic link; a release must not replace it. Move it away and run again.")
    os.symlink(target, aside)
    rename_durably(aside, link)


def remove_tree(folder: Path) -> None:
    """Remove a folder that nobody may see half removed: it loses its name first."""
    if not folder.exists():
        return
    aside = folder.with_name(f".removed.{folder.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    os.replace(folder, aside)
    shutil.rmtree(aside)


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Be the only one in this block, among all processes; the lock of a killed process is gone with it."""
    with lock.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def explained_full_disk(folder: Path, needed_bytes: int) -> Iterator[None]:
    """Turn "no space left" into one sentence.

    Raises:
        DiskFull: the disk, the quota or the file size limit was reached inside the block.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DiskFull(_full(folder, needed_bytes)) from error


def require_space(folder: Path, needed_bytes: int) -> None:
    """Refuse what cannot fit, before the first byte.

    Raises:
        DiskFull: fewer bytes are free.
    """
    if shutil.disk_usage(folder).free < needed_bytes:
        raise DiskFull(_full(folder, needed_bytes))


def _full(folder: Path, needed_bytes: int) -> str:
    free = shutil.disk_usage(folder).free
    return (
        f"{folder} has no room: {needed_bytes:,} bytes are needed, {free:,} are free. Nothing was changed; "
        "free some space, for example by removing old releases, and run the same command again."
    )
