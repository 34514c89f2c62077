"""Memory over many epochs, and the processes that load: they live as long as the run."""

import gc
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch

from tests.training.engine.squares import paint_squares
from tests.training.engine.tiny_run import RECIPE, tiny_photos, tiny_trainer
from training.engine.loader import RunLoader, workers_for
from training.engine.process_memory import resident_bytes, resident_bytes_of_children
from training.engine.processes import Processes
from training.evaluation.coco_metrics import CocoMetrics

MIB = 2**20
EPOCHS = 7
SETTLED = 2
"""Epochs until buffers, caches and threads are there."""


def test_memory_objects_and_loaders_stay_over_epochs(tmp_path):
    photos = tiny_photos(paint_squares(tmp_path / "squares", photos=6))
    seen: list[tuple[list[int], int, int, int]] = []

    def look(_detector):
        gc.collect()
        pids = run._loader.worker_pids()
        tensors = sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())
        seen.append((pids, tensors, resident_bytes(), resident_bytes_of_children()))
        return {"squares": CocoMetrics(0.0, 0.0, 0.0, {}, {})}

    recipe = replace(RECIPE, epochs=EPOCHS, checkpoint_every_steps=0)
    run = tiny_trainer(tmp_path / "run", photos, recipe, evaluate=look, workers=2)
    run.run()
    pids, tensors, memory, of_loaders = zip(*seen[SETTLED:], strict=True)
    assert len(set(map(tuple, pids))) == 1
    assert len(set(pids[0])) == 2
    assert max(tensors) - tensors[0] <= 20  # one batch that is being loaded or not
    # A batch of two photos is 1.7 MB of pixels: keeping them, or what is computed of them, would show.
    assert memory[-1] - memory[0] < 15 * MIB
    assert of_loaders[-1] - of_loaders[0] < 30 * MIB
    assert of_loaders[0] > 0
    assert run._loader.worker_pids() == []  # ended with the run


def test_by_default_every_training_process_keeps_a_core_and_loads_with_the_others(monkeypatch):
    processes = Processes(count=2, count_here=2, device=torch.device("cpu"))
    for cores, expected in ((1, 1), (2, 1), (4, 1), (8, 3), (64, 8)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _pid, n=cores: range(n))
        assert workers_for("auto", processes) == expected
    assert workers_for(5, processes) == 5
    assert workers_for(0, processes) == 0


class Batch:
    def to(self, _device):
        return self


def test_waiting_counts_only_what_the_steps_waited(monkeypatch):
    clock = iter([0.0, 0.5, 10.0, 10.25])
    monkeypatch.setattr("training.engine.loader.time", SimpleNamespace(monotonic=lambda: next(clock)))
    batches: Any = []
    loader: Any = RunLoader([], batches, seed=0, workers=0, processes=Processes(device=torch.device("cpu")))
    loader._iterator = iter([Batch(), Batch()])
    loader.next_batch()
    loader.next_batch()
    assert loader.waited_s == 0.75
