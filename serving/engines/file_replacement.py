"""Replace a file so that a reader sees the old bytes or the new ones, never a part."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

PARTIAL_SUFFIX = ".partial"


def replace_file(path: Path, content: bytes) -> None:
    """Write beside ``path``, flush to the disk, rename over ``path``.

    Raises:
        OSError: The disk is full, or the folder is not writable; the old file stays, nothing else is left.
    """
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PARTIAL_SUFFIX)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o644)  # builder and server are often different users
        os.replace(aside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(aside)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name, too
    finally:
        os.close(folder)
