"""Replace a file in one step."""

import os
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write aside, flush to disk, rename: readers see the old file or the whole new one, even after a crash.

    Args:
        path: the file to write; its folder must exist.
        content: the whole new content.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full; `path` is then as it was.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
