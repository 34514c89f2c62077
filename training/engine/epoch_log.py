"""One line an epoch: losses, metrics, how long steps waited for data, how much memory is held."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.atomic_file import write_atomically

MIB = 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochSummary:
    """What an epoch came to."""

    epoch: int
    """From 0."""
    losses: Mapping[str, float]
    """The mean of each term."""
    metrics: Mapping[str, Mapping[str, float]]
    """Of each data set, the one that counts last; empty where the epoch was not evaluated."""
    train_s: float
    """Of the steps, waiting included; of a resumed epoch only what was left of it."""
    waited_s: float
    """How long its steps waited for data."""
    memory_bytes: int
    """Resident memory of the training process at the end."""
    loader_memory_bytes: int
    """Of the processes that load, pages shared with it included."""

    @property
    def waited_share(self) -> float:
        """Part of the time in which steps waited for data."""
        return self.waited_s / self.train_s if self.train_s else 0.0

    def line(self, epochs: int) -> str:
        """Say it for people."""
        parts = [f"epoch {self.epoch + 1}/{epochs}", _named(self.losses)]
        parts += [f"{name} {_named(values)}" for name, values in self.metrics.items()]
        if len(self.metrics) > 1 and (name := self._shared_metric()):
            parts.append(f"mean {name} {sum(m[name] for m in self.metrics.values()) / len(self.metrics):.4f}")
        parts.append(f"waited for data {self.waited_share:.1%} of {self.train_s:.0f}s")
        of_loaders = f" + loaders {self.loader_memory_bytes / MIB:.0f}" if self.loader_memory_bytes else ""
        parts.append(f"memory {self.memory_bytes / MIB:.0f}{of_loaders} MiB")
        return " | ".join(parts)

    def _shared_metric(self) -> str | None:
        """The last metric that all data sets have."""
        of_each = list(self.metrics.values())
        return next((name for name in reversed(list(of_each[0])) if all(name in metrics for metrics in of_each)), None)


class EpochLog:
    """`epochs.jsonl` of a run folder, printed as it grows."""

    def __init__(self, path: Path, *, first_epoch: int) -> None:
        """Keep the lines of epochs before `first_epoch`; those after are trained again."""
        self._path = path
        lines = _lines(path)
        self._lines = [line for line in lines if line["epoch"] < first_epoch]
        if len(self._lines) < len(lines):
            self._write()

    def has(self, epoch: int) -> bool:
        """Whether an epoch's line was written."""
        return any(line["epoch"] == epoch for line in self._lines)

    def add(self, summary: EpochSummary, epochs: int) -> None:
        """Print and keep an epoch's line."""
        print(summary.line(epochs), flush=True)
        # JSON has no NaN, which the AP of a split without objects is.
        metrics = {
            data_set: {name: None if math.isnan(value) else value for name, value in values.items()}
            for data_set, values in summary.metrics.items()
        }
        self._lines.append(asdict(summary) | {"metrics": metrics, "waited_share": summary.waited_share})
        self._write()

    def _write(self) -> None:
        write_atomically(self._path, "".join(json.dumps(line) + "\n" for line in self._lines).encode())


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _named(values: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:.4f}" for name, value in values.items())
