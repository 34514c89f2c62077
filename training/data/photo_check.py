"""Whether photos can be read, before training meets them; asked once per file."""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from training.atomic_file import write_atomically
from training.data.labelled_photo import EXIF_ORIENTATION, LabelledPhoto
from training.data.problems import PROBLEM_KINDS, DataProblem, ProblemKind

THREADS = 4
"""Decoding releases the interpreter; more would only fight for the disk."""

_Finding = tuple[ProblemKind | None, str]


class PhotoChecks:
    """Decodes photos and remembers in a file what it found of which (size, time of change)."""

    def __init__(self, memory: Path | None = None) -> None:
        """Prepare checks.

        Args:
            memory: a JSON file to remember findings in; None forgets them.
        """
        self._memory = memory
        self._found: dict[str, list[object]] = {}
        if memory is not None and memory.exists():
            try:
                self._found = json.loads(memory.read_text())
            except ValueError:
                self._found = {}  # a torn file only costs the checks again

    def check(self, photos: Sequence[LabelledPhoto]) -> list[DataProblem | None]:
        """Return for each photo what keeps it from being used, or None."""
        with ThreadPoolExecutor(max_workers=THREADS) as pool:
            findings = list(pool.map(self._finding, photos))
        if self._memory is not None:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._memory, json.dumps(self._found).encode())
        return [
            None if kind is None else DataProblem(kind, photo.path.name, detail)
            for photo, (kind, detail) in zip(photos, findings, strict=True)
        ]

    def _finding(self, photo: LabelledPhoto) -> _Finding:
        try:
            status = os.stat(photo.path)
        except OSError as error:
            return "photo missing", error.strerror or str(error)
        state = [status.st_size, status.st_mtime_ns, photo.width_px, photo.height_px]
        remembered = self._found.get(str(photo.path))
        if remembered is not None and remembered[:4] == state:
            kind = next((kind for kind in PROBLEM_KINDS if kind == remembered[4]), None)
            return kind, str(remembered[5])
        kind, detail = _decoded(photo)
        self._found[str(photo.path)] = [*state, kind, detail]
        return kind, detail


def _decoded(photo: LabelledPhoto) -> _Finding:
    """Decode every byte of a photo, a JPEG at an eighth of its size: that still reads the whole file."""
    annotated = (photo.width_px, photo.height_px)
    try:
        with Image.open(photo.path) as image:
            stored = image.size
            is_turned = image.getexif().get(EXIF_ORIENTATION, 1) >= 5
            if annotated not in (stored, stored[::-1] if is_turned else stored):
                return "photo of another size", f"the file has {stored}, its annotations {annotated}"
            image.draft("RGB", (stored[0] // 8 or 1, stored[1] // 8 or 1))
            image.load()
    except UnidentifiedImageError:
        return "photo unreadable", "no image format that we know"
    except Image.DecompressionBombError as error:
        return "photo unreadable", str(error)
    except (OSError, SyntaxError, ValueError) as error:
        is_truncated = "truncated" in str(error) or "premature" in str(error).lower()
        return "photo truncated" if is_truncated else "photo unreadable", str(error)
    return None, ""
