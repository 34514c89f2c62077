"""What reports and pictures call the embedded parts of a photo."""

from __future__ import annotations

from pathlib import Path


def crop_names(photo: str, count: int) -> list[str]:
    """Return a name for each part, numbered from 1: `desk.jpg 1`, `desk.jpg 2`."""
    return [f"{Path(photo).name} {number}" for number in range(1, count + 1)]
