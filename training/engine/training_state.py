"""What changes in a training: the weights, their average, the optimiser, the loss scale."""

import math
from pathlib import Path
from typing import Any, Generic

import torch

from training.engine.averaged_weights import AveragedWeights, ModuleT
from training.engine.checkpoint import LAST, PREVIOUS, load_newest, save_checkpoint
from training.engine.precision import MixedPrecision
from training.engine.processes import Processes
from training.engine.run_recipe import RunRecipe
from training.engine.schedule import Schedule


class TrainingState(Generic[ModuleT]):
    """Moves the weights, and is saved and restored as a whole.

    Nothing random is in it: whatever is drawn is drawn from the seed, the epoch and the step.
    """

    def __init__(
        self,
        *,
        recipe: RunRecipe,
        module: ModuleT,
        name: str,
        optimizer: torch.optim.Optimizer,
        schedule: Schedule,
        precision: MixedPrecision,
        processes: Processes,
    ) -> None:
        """Begin with what is given.

        Args:
            recipe: of the run.
            module: trained in place.
            name: under which a checkpoint has the module's weights.
            optimizer: over its parameters, with `peak_lr` in every group.
            schedule: of the learning rates.
            precision: with the loss scale.
            processes: that share the batches.
        """
        self.module = module
        self.averaged = AveragedWeights(module, decay=recipe.ema_decay)
        self.next_step = 0
        self._name = name
        self._recipe = recipe
        self._optimizer = optimizer
        self._schedule = schedule
        self._precision = precision
        self._processes = processes

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate that the recipe's `learning_rate` has become."""
        return self._recipe.learning_rate * self._schedule.share_at(step)

    def move_weights(self, step: int) -> float | None:
        """Apply the gradients that the parameters hold, summed over the processes, and forget them.

        Returns:
            Their norm before clipping; None where FP16's loss scale was too large and the step is left out. Where it is
            infinite or NaN, nothing has moved and the gradients are still there.
        """
        self._processes.sum_gradients(self.module)
        self._schedule.apply(self._optimizer, step)
        norm = self._precision.step(self._optimizer, self.module, clip_norm=self._recipe.gradient_clip_norm)
        if norm is None or math.isfinite(norm):
            self._optimizer.zero_grad()
            self.averaged.update(self.module, step // self._recipe.accumulate_steps)
        return norm

    def save(self, run_folder: Path) -> None:
        """Write `last.pt`; what it was becomes `previous.pt`.

        Raises:
            CheckpointError: it could not be written; the old one is whole.
        """
        save_checkpoint(run_folder / LAST, self._as_dict(), keep_as=run_folder / PREVIOUS)

    def save_apart(self, path: Path) -> None:
        """Write a checkpoint that nothing resumes from."""
        save_checkpoint(path, self._as_dict())

    def resume(self, run_folder: Path, *, steps_per_epoch: int) -> None:
        """Take up the newest whole checkpoint of a folder, if there is one.

        Raises:
            ValueError: it is that of another recipe.
            CheckpointError: there are some, but all are damaged.
        """
        # One after the other: the first may put a damaged file aside, so that all find the same.
        if not self._processes.is_first:
            self._processes.wait()
        found = load_newest(run_folder)
        if self._processes.is_first:
            self._processes.wait()
        if found is None:
            return
        path, state = found
        if self._name not in state:
            raise ValueError(f"{path} is no {self._name}'s: name another --run-folder")
        if not self._recipe.trains_as(type(self._recipe).parse(state["recipe"], source=str(path))):
            raise ValueError(
                f"{path} was made by another recipe than the one given (compare {run_folder / 'recipe.yaml'}): "
                "name another --run-folder, or delete this one to start over"
            )
        self.module.load_state_dict(state[self._name])
        self.averaged.module.load_state_dict(state["averaged"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._precision.load_state_dict(state.get("precision", {}))
        # Runs of older versions were saved at the ends of epochs only.
        self.next_step = state["step"] if "step" in state else (state["epoch"] + 1) * steps_per_epoch
        if self._processes.is_first:
            epoch, step_in_epoch = divmod(self.next_step, steps_per_epoch)
            print(f"resuming {path} after epoch {epoch} and {step_in_epoch} of {steps_per_epoch} steps", flush=True)

    def _as_dict(self) -> dict[str, Any]:
        return {
            "step": self.next_step,
            "recipe": self._recipe.as_yaml(),
            self._name: self.module.state_dict(),
            "averaged": self.averaged.module.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "precision": self._precision.state_dict(),
        }
