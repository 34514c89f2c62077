"""The batches of a whole run, from any step on."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from torch.utils.data import Sampler

from training.engine.processes import Processes


class EpochBatches(Protocol):
    """Batches of photo indices that depend on the epoch alone; every epoch has equally many."""

    epoch: int

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[list[int]]: ...


@dataclass(frozen=True, slots=True)
class View:
    """One showing of one photo: what its random view is drawn from, besides the seed."""

    epoch: int
    index: int
    showing: int
    """How often the epoch has shown the photo before."""
    counts: bool = True
    """False for a stand-in where a batch has too few photos for every process."""


class RunBatches(Sampler[list[View]]):
    """This process's part of every batch, epoch after epoch, as one sequence: loaders never pause between epochs."""

    def __init__(self, batches: EpochBatches, *, epochs: int, processes: Processes) -> None:
        self._batches = batches
        self._epochs = epochs
        self._processes = processes
        self.first_step = 0

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch."""
        return len(self._batches)

    def __iter__(self) -> Iterator[list[View]]:
        first_epoch, skipped = divmod(self.first_step, self.steps_per_epoch)
        for epoch in range(first_epoch, self._epochs):
            for views in self.epoch_views(epoch)[skipped:]:
                yield self._part_of(views)
            skipped = 0

    def epoch_views(self, epoch: int) -> list[list[View]]:
        """Return an epoch's batches whole, as all processes together see them."""
        self._batches.epoch = epoch
        shown: Counter[int] = Counter()
        views_per_batch = []
        for indices in self._batches:
            views = []
            for index in indices:
                views.append(View(epoch, index, shown[index]))
                shown[index] += 1
            views_per_batch.append(views)
        return views_per_batch

    def views_at(self, step: int) -> list[View]:
        """Return the whole batch of a step counted from the first of the run."""
        epoch, step_in_epoch = divmod(step, self.steps_per_epoch)
        return self.epoch_views(epoch)[step_in_epoch]

    def _part_of(self, views: list[View]) -> list[View]:
        mine = list(self._processes.part_of(views))
        return mine or [replace(views[0], counts=False)]
