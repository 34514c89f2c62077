"""What a loader hands to a step, and how it gets there: few large tensors, however many photos."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from training.engine.run_batches import View


@dataclass(frozen=True, slots=True)
class _Joined:
    """Tensors one behind the other. Every tensor that a loader sends costs an open file, and a process has 1,024."""

    values: Tensor
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> "_Joined":
        return cls(torch.cat(list(tensors)), tuple(len(tensor) for tensor in tensors))

    def parts(self) -> Sequence[Tensor]:
        return torch.split(self.values, list(self.lengths))

    def moved(self, move: Callable[[Tensor], Tensor]) -> "_Joined":
        return _Joined(move(self.values), self.lengths)


Field = _Joined | list[_Joined] | list[Any]
"""Of all samples: tensors; tuples of tensors; or plain values."""


@dataclass(frozen=True, slots=True)
class LoadedBatch:
    """One process's part of a batch."""

    views: Sequence[View]
    kind: type[Any]
    """Of the samples: a dataclass of tensors, of tuples of tensors, and of plain values."""
    values: dict[str, Field]

    @classmethod
    def collate(cls, items: Sequence[tuple[View, Any]]) -> "LoadedBatch":
        """Put loaded views together."""
        samples = [sample for _, sample in items]
        values = {f.name: _joined([getattr(sample, f.name) for sample in samples]) for f in fields(samples[0])}
        return cls([view for view, _ in items], type(samples[0]), values)

    @property
    def samples(self) -> list[Any]:
        """The samples, as views of the batch's tensors."""
        columns = {name: _parted(value) for name, value in self.values.items()}
        rows = zip(*columns.values(), strict=True)
        return [self.kind(**dict(zip(columns, row, strict=True))) for row in rows]

    @property
    def counts(self) -> bool:
        """Whether it is more than a stand-in of a process that the batch is too small for."""
        return self.views[0].counts

    def pin_memory(self) -> "LoadedBatch":
        """Return it in page-locked memory, from which a GPU copies while it computes; the loader calls this."""
        return self._moved(Tensor.pin_memory)

    def to(self, device: torch.device) -> "LoadedBatch":
        """Return it on a device."""
        return self._moved(lambda tensor: tensor.to(device, non_blocking=True))

    def _moved(self, move: Callable[[Tensor], Tensor]) -> "LoadedBatch":
        moved: dict[str, Field] = {}
        for name, value in self.values.items():
            if isinstance(value, _Joined):
                moved[name] = value.moved(move)
            else:
                moved[name] = [part.moved(move) if isinstance(part, _Joined) else part for part in value]
        return LoadedBatch(self.views, self.kind, moved)


def _joined(values: list[Any]) -> Field:
    if isinstance(values[0], Tensor):
        return _Joined.of(values)
    if isinstance(values[0], tuple):
        return [_Joined.of(column) for column in zip(*values, strict=True)]
    return values


def _parted(value: Field) -> Sequence[Any]:
    if isinstance(value, _Joined):
        return value.parts()
    if isinstance(value[0], _Joined):
        return list(zip(*(column.parts() for column in value), strict=True))
    return value
