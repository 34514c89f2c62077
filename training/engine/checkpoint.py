"""Checkpoints that a crash at any moment leaves whole: written aside, flushed, renamed."""

import os
from pathlib import Path
from typing import Any

import torch


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` so that `path` is the old file or the new one, never half of either."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(path.suffix + ".partial")
    with aside.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of ours; tensors and plain values only, no code."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state
