"""The training loop, whatever is trained: weights in, batches, losses out, and all that a run needs around it."""

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, NoReturn, Protocol

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from training.atomic_file import write_atomically
from training.engine.averaged_weights import ModuleT
from training.engine.divergence import explain, first_bad_tensor, photos_at_fault
from training.engine.epoch_log import EpochSummary
from training.engine.errors import DataError, TrainingDiverged, TrainingInterrupted
from training.engine.loaded_batch import LoadedBatch
from training.engine.loader import RunLoader, workers_for
from training.engine.precision import MixedPrecision
from training.engine.process_memory import resident_bytes, resident_bytes_of_children
from training.engine.processes import Processes
from training.engine.run_batches import EpochBatches, RunBatches
from training.engine.run_facts import DataRow, write_run_facts
from training.engine.run_logs import RunLogs
from training.engine.run_recipe import RunRecipe
from training.engine.schedule import Schedule
from training.engine.seeded_views import Photos
from training.engine.seeds import derived_seed
from training.engine.stop_signal import StopSignal
from training.engine.training_state import TrainingState

Metrics = Mapping[str, Mapping[str, float]]
"""Of each data set, the one that counts last."""

DIVERGED = "diverged.pt"
"""The state before a step whose loss was no number; nothing resumes from it."""


class BatchLosses(Protocol):
    """The terms of a step's loss, each weighted as the recipe says, always the same ones in every process."""

    def of_batch(self, batch: LoadedBatch) -> dict[str, Tensor]:
        """Return this process's share of each term; the shares of all processes add up to the term."""

    def __call__(self, samples: Sequence[Any]) -> dict[str, Tensor]:
        """Return each term of samples that this process alone looks at."""


class TrainingLoop(Generic[ModuleT]):
    """Runs a recipe to its end, resuming from the newest checkpoint of the run folder if there is one.

    Everything random is drawn from the recipe's seed, the epoch and the step, so a resumed run sees what the
    uninterrupted one would have seen, and a step is the same whoever loaded its photos.
    """

    def __init__(
        self,
        *,
        recipe: RunRecipe,
        module: ModuleT,
        name: str,
        optimizer: torch.optim.Optimizer,
        losses: BatchLosses,
        precision: MixedPrecision,
        samples: Photos,
        batches: EpochBatches,
        paths: Sequence[Path],
        data: Callable[[], Iterable[DataRow]],
        run_folder: Path,
        evaluate: Callable[[ModuleT], Metrics] | None = None,
        pictures: Callable[[ModuleT], Mapping[str, Tensor]] | None = None,
        loader_workers: int | None = None,
        processes: Processes,
    ) -> None:
        """Prepare a run, or its continuation.

        Args:
            recipe: what to do.
            module: trained in place; on the device, equal in all processes.
            name: under which a checkpoint has its weights.
            optimizer: over its parameters, with `peak_lr` in every group.
            losses: of a batch, by that module.
            precision: in which they are computed.
            samples: random views to learn from, by index.
            batches: of those indices.
            paths: which photo each index is.
            data: lists what is learnt from, for `run.json`.
            run_folder: receives checkpoints and logs.
            evaluate: returns the metrics of each data set; None evaluates nothing.
            pictures: returns pictures UINT8 [3, H, W] by name, to keep at every evaluation.
            loader_workers: None is what the recipe says.
            processes: that share the batches.

        Raises:
            DataError: there is no photo.
            ValueError: the run folder is that of another recipe.
            CheckpointError: its checkpoints are damaged.
        """
        self._recipe = recipe
        self._run_folder = run_folder
        self._paths = paths
        self._data = data
        self._evaluate = evaluate
        self._pictures = pictures
        self._processes = processes
        self._batches = RunBatches(batches, epochs=recipe.epochs, processes=processes)
        steps = self._steps_per_epoch = self._batches.steps_per_epoch
        if not steps:
            raise DataError("the recipe's train split holds no photo to learn from")
        self._losses = losses
        self._precision = precision
        self._state = TrainingState(
            recipe=recipe,
            module=module,
            name=name,
            optimizer=optimizer,
            schedule=Schedule(warmup_steps=recipe.warmup_steps, total_steps=recipe.epochs * steps),
            precision=precision,
            processes=processes,
        )
        self._state.resume(run_folder, steps_per_epoch=steps)
        self._batches.first_step = self._state.next_step
        self._loader = RunLoader(
            samples,
            self._batches,
            seed=recipe.seed,
            workers=workers_for(recipe.loader_workers if loader_workers is None else loader_workers, processes),
            processes=processes,
        )
        self._logs: RunLogs | None = None  # of the first process, while it runs
        self._stop = StopSignal()

    def run(self) -> ModuleT:
        """Train to the recipe's last epoch and return the module with averaged weights.

        Raises:
            TrainingDiverged: the loss is no longer a number.
            TrainingInterrupted: Ctrl-C or SIGTERM; the state is saved.
            CheckpointError: the state could not be saved.
        """
        with self._stop, self._written_down():
            # An epoch that an interruption left without its summary comes first, with no steps to train.
            for epoch in range(max(0, self._state.next_step - 1) // self._steps_per_epoch, self._recipe.epochs):
                self._finish_epoch(epoch, *self._train_epoch(epoch))
        return self._state.averaged.module

    def _train_epoch(self, epoch: int) -> tuple[float, float]:
        """Train what is left of an epoch; return the seconds it took, and those that steps waited for data."""
        self._state.module.train()
        self._loader.waited_s, started = 0.0, time.monotonic()
        first, end = self._state.next_step, (epoch + 1) * self._steps_per_epoch
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        is_shown = self._processes.is_first and sys.stdout.isatty()  # elsewhere it would only print empty lines
        with Progress(*columns, transient=True, disable=not is_shown) as progress:
            done = self._steps_per_epoch - (end - first)
            task = progress.add_task(f"epoch {epoch + 1}", total=self._steps_per_epoch, completed=done)
            for step in range(first, end):
                is_asked_to_stop = self._train_step(step, self._loader.next_batch())
                progress.advance(task)
                if self._group_of(step)[-1] == step:  # else gradients are pending, which no checkpoint holds
                    if is_asked_to_stop:
                        self._interrupt()
                    if self._is_checkpoint_due(step) and step + 1 < end:
                        self._save()
        return time.monotonic() - started, self._loader.waited_s

    def _train_step(self, step: int, batch: LoadedBatch) -> bool:
        """Learn from one batch; return whether any process was asked to stop."""
        torch.manual_seed(derived_seed("step", self._recipe.seed, step, self._processes.rank))
        terms = self._losses.of_batch(batch)
        stacked = torch.stack(list(terms.values()))
        *sums, stops = self._processes.sum([*stacked.tolist(), float(self._stop.received is not None)])
        values = dict(zip(terms, sums, strict=True))
        if not all(math.isfinite(value) for value in sums):
            self._diverge(step, batch, values)
        group = self._group_of(step)
        self._precision.backward(stacked.sum() / len(group))
        norm = None
        if step == group[-1]:
            norm = self._state.move_weights(step)
            if norm is not None and not math.isfinite(norm):
                self._diverge(step, batch, values)
        self._state.next_step = step + 1
        if self._logs:
            rate = self._state.learning_rate_at(step)
            self._logs.add_step(step, values, learning_rate=rate, gradient_norm=norm)
        return stops > 0

    def _finish_epoch(self, epoch: int, train_s: float, waited_s: float) -> None:
        """Save, evaluate and sum up an epoch, unless that was done before an interruption."""
        if self._logs and not self._logs.has_epoch(epoch):
            if train_s:
                self._save()
            is_due = (epoch + 1) % self._recipe.evaluate_every_epochs == 0 or epoch + 1 == self._recipe.epochs
            averaged = self._state.averaged.module
            metrics = self._evaluate(averaged) if self._evaluate and is_due else {}
            summary = EpochSummary(
                epoch=epoch,
                losses=self._logs.epoch_means(),
                metrics=metrics,
                train_s=train_s,
                waited_s=waited_s,
                memory_bytes=resident_bytes(),
                loader_memory_bytes=resident_bytes_of_children(),
            )
            self._logs.add_epoch(summary, self._pictures(averaged) if self._pictures and is_due else {})
        self._processes.wait()  # while the first one evaluates

    @contextmanager
    def _written_down(self) -> Iterator[None]:
        if self._processes.is_first:
            self._run_folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._run_folder / "recipe.yaml", self._recipe.as_yaml().encode())
            write_run_facts(self._run_folder / "run.json", self._data(), self._processes)
            self._logs = RunLogs(
                self._run_folder,
                next_step=self._state.next_step,
                steps_per_epoch=self._steps_per_epoch,
                epochs=self._recipe.epochs,
            )
        try:
            yield
        finally:
            self._loader.close()
            if self._logs:
                self._logs.close()

    def _group_of(self, step: int) -> range:
        """Return the steps whose gradients are averaged with that of `step`; no group reaches into the next epoch."""
        size = self._recipe.accumulate_steps
        epoch, step_in_epoch = divmod(step, self._steps_per_epoch)
        first = epoch * self._steps_per_epoch + step_in_epoch // size * size
        return range(first, min(first + size, (epoch + 1) * self._steps_per_epoch))

    def _is_checkpoint_due(self, step: int) -> bool:
        """Whether a multiple of `checkpoint_every_steps` lies in the group that ends with `step`."""
        every = self._recipe.checkpoint_every_steps
        group = self._group_of(step)
        return bool(every) and (step + 1) // every > group[0] // every

    def _save(self) -> None:
        if self._logs:
            self._logs.sync()
            self._state.save(self._run_folder)

    def _interrupt(self) -> NoReturn:
        self._save()
        epoch, step_in_epoch = divmod(self._state.next_step, self._steps_per_epoch)
        raise TrainingInterrupted(
            f"stopped after epoch {epoch} and {step_in_epoch} of {self._steps_per_epoch} steps, and saved; the same "
            "command goes on from there"
        )

    def _diverge(self, step: int, batch: LoadedBatch, values: Mapping[str, float]) -> NoReturn:
        """Say why, with the state before the step saved apart: the checkpoints stay those of healthy steps."""
        module = self._state.module
        paths = [self._paths[view.index] for view in batch.views]
        at_fault = photos_at_fault(batch, paths, self._losses, self._processes)
        message = explain(
            values,
            step=step,
            epoch=step // self._steps_per_epoch,
            learning_rate=self._state.learning_rate_at(step),
            at_fault=at_fault,
            batch_paths=[self._paths[view.index] for view in self._batches.views_at(step)],
            bad_weight=first_bad_tensor(module),
            bad_gradient=first_bad_tensor(module, gradients=True),
        )
        if self._processes.is_first:
            self._state.save_apart(self._run_folder / DIVERGED)
        raise TrainingDiverged(
            f"{message} The state before it is saved as {self._run_folder / DIVERGED}; last.pt, if there is one, is "
            "older. Lower learning_rate, or mend the photos, and start a new --run-folder."
        )
