"""Replace a file so that a reader sees the old text or the new one, never half of either."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write `text` beside `path`, then rename it over `path`.

    The temporary file lies in the same folder, since a rename is atomic only within one file system. A
    running Triton polls models, not stray files inside a model's folder, so it never sees it.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", text=True)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would hide the config from a server that runs as another user
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
