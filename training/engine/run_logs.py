"""All that a run writes down while it goes on."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from training.engine.epoch_log import EpochLog, EpochSummary
from training.engine.loss_log import LossLog
from training.engine.tensorboard_log import TensorBoardLog


class RunLogs:
    """`losses.jsonl`, `epochs.jsonl` and `tensorboard/` of a run folder, and the line an epoch on the terminal."""

    def __init__(self, run_folder: Path, *, next_step: int, steps_per_epoch: int, epochs: int) -> None:
        """Go on from a step; what the files say of later ones is cut off."""
        self._steps_per_epoch = steps_per_epoch
        self._epochs = epochs
        self._losses = LossLog(run_folder / "losses.jsonl", next_step=next_step, steps_per_epoch=steps_per_epoch)
        self._epoch_lines = EpochLog(run_folder / "epochs.jsonl", first_epoch=next_step // steps_per_epoch)
        self._tensorboard = TensorBoardLog(run_folder / "tensorboard", next_step=next_step)

    def add_step(
        self, step: int, losses: Mapping[str, float], *, learning_rate: float, gradient_norm: float | None
    ) -> None:
        """Write down a step."""
        self._losses.add(step, losses, learning_rate=learning_rate, gradient_norm=gradient_norm)
        self._tensorboard.add_step(step, losses, learning_rate=learning_rate)

    def epoch_means(self) -> dict[str, float]:
        """Return the mean of each loss term over the last epoch."""
        return self._losses.epoch_means()

    def has_epoch(self, epoch: int) -> bool:
        """Whether an epoch's line was written, before an interruption perhaps."""
        return self._epoch_lines.has(epoch)

    def add_epoch(self, summary: EpochSummary, pictures: Mapping[str, Tensor]) -> None:
        """Write down an epoch."""
        last_step = (summary.epoch + 1) * self._steps_per_epoch - 1
        self._tensorboard.add_epoch(last_step, summary)
        self._tensorboard.add_pictures(last_step, pictures)
        self._epoch_lines.add(summary, self._epochs)

    def sync(self) -> None:
        """Flush the losses to disk, before a checkpoint that counts on them."""
        self._losses.sync()

    def close(self) -> None:
        """Write what is left."""
        self._losses.close()
        self._tensorboard.close()
