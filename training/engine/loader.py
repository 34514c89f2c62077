"""Photos loaded ahead of the steps that need them, and how long steps waited all the same."""

import os
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader

from training.engine.loaded_batch import LoadedBatch
from training.engine.processes import Processes
from training.engine.run_batches import RunBatches
from training.engine.seeded_views import Photos, SeededViews
from training.engine.stop_signal import leave_signals_to_the_parent

MAX_WORKERS = 8
PREFETCHED_BATCHES = 2
"""By each worker, ahead of the step that runs."""


class RunLoader:
    """The batches of a run in order, loaded by processes that live as long as the run."""

    def __init__(self, photos: Photos, batches: RunBatches, *, seed: int, workers: int, processes: Processes) -> None:
        """Prepare; nothing is loaded before the iteration starts.

        Args:
            photos: what is shown.
            batches: in which order.
            seed: of the random views.
            workers: processes that load; 0 loads within the step's own.
            processes: that train; each has workers of its own.
        """
        self._device = processes.device
        self._loader: DataLoader[Any] = DataLoader(
            SeededViews(photos, seed=seed),
            batch_sampler=batches,
            collate_fn=LoadedBatch.collate,
            num_workers=workers,
            prefetch_factor=PREFETCHED_BATCHES if workers else None,
            pin_memory=self._device.type == "cuda",
            worker_init_fn=_start_worker,
        )
        self._iterator: Iterator[LoadedBatch] | None = None
        self.waited_s = 0.0
        """How long steps have waited for a batch since this was last set."""

    def next_batch(self) -> LoadedBatch:
        """Return the next batch, on the device."""
        started = time.monotonic()
        if self._iterator is None:
            self._iterator = iter(self._loader)
        batch = next(self._iterator).to(self._device)
        self.waited_s += time.monotonic() - started
        return batch

    def worker_pids(self) -> list[int]:
        """Return the processes that load, once they have started."""
        return [worker.pid for worker in getattr(self._iterator, "_workers", [])]

    def close(self) -> None:
        """End the processes that load."""
        self._iterator = None


def workers_for(choice: int | str, processes: Processes) -> int:
    """Resolve the recipe's `loader_workers`: `auto` leaves every training process a core of its own."""
    if isinstance(choice, int):
        return choice
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MAX_WORKERS, max(1, cores // processes.count_here - 1))


def _start_worker(_worker_id: int) -> None:
    leave_signals_to_the_parent()
    torch.set_num_threads(1)
