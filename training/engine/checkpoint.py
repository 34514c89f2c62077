"""Checkpoints that a crash at any moment leaves whole: written aside, flushed, renamed, with the one before kept.

last.pt      the newest
previous.pt  the one before, for the day that last.pt cannot be read
"""

import errno
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from training.engine.errors import CheckpointError

LAST = "last.pt"
PREVIOUS = "previous.pt"


def save_checkpoint(path: Path, state: dict[str, Any], *, keep_as: Path | None = None) -> None:
    """Write `state` so that `path` is the old file or the new one, never half of either.

    Args:
        path: the file to write; missing folders are made.
        state: tensors and plain values.
        keep_as: the name by which the file that `path` was until now is kept.

    Raises:
        CheckpointError: it could not be written, for want of space perhaps; `path` is then as it was.
    """
    aside = path.with_suffix(path.suffix + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        if keep_as and path.exists():
            _link(path, keep_as)
        aside.replace(path)
        _sync_folder(path.parent)
    except (OSError, RuntimeError) as error:
        aside.unlink(missing_ok=True)
        left = f"{path} is as it was" if path.exists() else "nothing was saved before"
        raise CheckpointError(
            f"the state could not be saved to {path}: {_reason(error)}; {left}. Mend that, then run the same command "
            "again: it goes on from what is saved."
        ) from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of ours; tensors and plain values only, no code.

    Raises:
        CheckpointError: the file is cut short or was changed: a checksum inside it is wrong.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():  # torch itself checks no sums
                raise CheckpointError(f"{path} is damaged: the checksum of its part {damaged} is wrong")
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except (OSError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path} cannot be read: {_reason(error)}") from error
    return state


def load_newest(run_folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Read the newest whole checkpoint of a run folder; None if it holds none, and a line for each that is damaged.

    Raises:
        CheckpointError: there are checkpoints, but none can be read.
    """
    damaged: dict[Path, str] = {}
    for path in _existing(run_folder):
        try:
            state = load_checkpoint(path)
        except CheckpointError as error:
            damaged[path] = str(error)
            continue
        for bad_path, problem in damaged.items():
            aside = bad_path.with_suffix(".damaged")
            bad_path.replace(aside)  # or it would become the previous one at the next save
            print(f"{problem}; it is put aside as {aside.name}, and {path.name}, the one before, is taken", flush=True)
        return path, state
    if damaged:
        raise CheckpointError(
            f"no checkpoint of this run can be read ({'; '.join(damaged.values())}). Delete {run_folder} to start "
            "over, or name another --run-folder"
        )
    return None


def _existing(run_folder: Path) -> Iterator[Path]:
    return (run_folder / name for name in (LAST, PREVIOUS) if (run_folder / name).exists())


def _link(path: Path, name: Path) -> None:
    """Give a file a second name without a moment at which either is missing."""
    aside = name.with_suffix(name.suffix + ".partial")
    aside.unlink(missing_ok=True)
    try:
        os.link(path, aside)
    except OSError:  # a file system without second names
        shutil.copyfile(path, aside)
    aside.replace(name)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    """The first line; a full disk by its name, even where torch hides it behind an error of its own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno is not None:
            return os.strerror(cause.errno) + (" (the disk is full)" if cause.errno == errno.ENOSPC else "")
        cause = cause.__cause__ or cause.__context__
    return str(error).splitlines()[0] if str(error) else type(error).__name__
