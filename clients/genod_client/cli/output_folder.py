"""The folder of `--out`."""

from __future__ import annotations

from pathlib import Path

from genod_client.errors import InvalidInputError


def make_output_folder(folder: Path) -> None:
    """Make the folder of `--out` and those above it.

    Raises:
        InvalidInputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"Cannot make the folder --out {folder}: {error.strerror}.") from error
