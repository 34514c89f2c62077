"""TensorBoard's event files in the run folder: `tensorboard --logdir runs`."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from training.engine.epoch_log import MIB, EpochSummary


class TensorBoardLog:
    """Losses and learning rate of every step; metrics, waiting, memory and sample pictures of every epoch."""

    def __init__(self, folder: Path, *, next_step: int) -> None:
        """Go on in a folder; what earlier files say of `next_step` and later is no longer shown."""
        # Takes a second to import, and only a process that writes pays.
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=next_step or None, flush_secs=30)

    def add_step(self, step: int, losses: Mapping[str, float], *, learning_rate: float) -> None:
        """Write a step's losses."""
        for name, value in losses.items():
            self._add(f"loss/{name}", value, step)
        self._add("loss/total", sum(losses.values()), step)
        self._add("learning_rate", learning_rate, step)

    def add_epoch(self, step: int, summary: EpochSummary) -> None:
        """Write an epoch's summary at its last step."""
        for data_set, values in summary.metrics.items():
            for name, value in values.items():
                self._add(f"{name}/{data_set}", value, step)
        self._add("loader/waited_share", summary.waited_share, step)
        self._add("memory_mib/training", summary.memory_bytes / MIB, step)
        self._add("memory_mib/loaders", summary.loader_memory_bytes / MIB, step)
        self._writer.flush()

    def add_pictures(self, step: int, pictures: Mapping[str, Tensor]) -> None:
        """Write pictures UINT8 [3, H, W] by name."""
        for name, pixels in pictures.items():
            self._writer.add_image(f"pictures/{name}", pixels, step)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()

    def _add(self, name: str, value: float, step: int) -> None:
        self._writer.add_scalar(name, value, step)
