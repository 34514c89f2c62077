"""`losses.jsonl`: one line a step, the same to the bit whether or not a run was interrupted."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO


class LossLog:
    """Appends a line a step; knows the means of the epoch that runs.

    Numbers are written so that they read back as the very same floats. A line tells nothing of time, which would differ
    from run to run.
    """

    def __init__(self, path: Path, *, next_step: int, steps_per_epoch: int) -> None:
        """Cut the file behind the last line before `next_step`: what followed is trained again."""
        self._path = path
        self._steps_per_epoch = steps_per_epoch
        self._epoch_losses: list[dict[str, float]] = []
        self._file = self._open_truncated(next_step)

    def add(self, step: int, losses: Mapping[str, float], *, learning_rate: float, gradient_norm: float | None) -> None:
        """Write a step, counted from 0, with its loss terms."""
        if step % self._steps_per_epoch == 0:
            self._epoch_losses = []
        self._epoch_losses.append(dict(losses))
        line: dict[str, Any] = {"step": step, "epoch": step // self._steps_per_epoch, "losses": dict(losses)}
        line |= {"learning_rate": learning_rate, "gradient_norm": gradient_norm}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()  # a killed process loses nothing of it

    def epoch_means(self) -> dict[str, float]:
        """Return the mean of each term over the epoch's steps; a term absent from a step counts as 0 there."""
        names = dict.fromkeys(name for losses in self._epoch_losses for name in losses)
        return {name: sum(s.get(name, 0.0) for s in self._epoch_losses) / self._steps_per_epoch for name in names}

    def sync(self) -> None:
        """Flush to disk, before a checkpoint that counts on what was written."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open_truncated(self, next_step: int) -> TextIO:
        kept_bytes = 0
        last_epoch = (next_step - 1) // self._steps_per_epoch  # whose summary may still be due
        if self._path.exists():
            with self._path.open("rb") as file:
                for raw in file:
                    line = _parsed(raw)
                    if line is None or line["step"] >= next_step:
                        break
                    kept_bytes += len(raw)
                    if line["epoch"] == last_epoch:
                        self._epoch_losses.append(line["losses"])
            os.truncate(self._path, kept_bytes)
        return self._path.open("a", encoding="utf-8")


def read_losses(path: Path) -> list[dict[str, Any]]:
    """Return the steps of a log; a last line cut short by a kill is left out."""
    lines = (_parsed(raw) for raw in path.read_bytes().splitlines(keepends=True))
    return [line for line in lines if line is not None]


def _parsed(raw: bytes) -> dict[str, Any] | None:
    if not raw.endswith(b"\n"):
        return None
    try:
        line: dict[str, Any] = json.loads(raw)
    except ValueError:
        return None
    return line
