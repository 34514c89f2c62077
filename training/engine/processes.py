"""Data parallel training: several processes share every batch and stay equal to one process with all of it.

    torchrun --standalone --nproc-per-node 2 -m training train recipes/demo.yaml

Each process takes its part of the batch, divides its losses by what the whole batch holds
(`training.detector.global_batch`) and adds its gradients to those of the others. Sums, not averages: nothing depends on
how a batch happens to be split.
"""

import datetime
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import torch
import torch.distributed
from torch import nn

from training.engine.errors import ProcessError

T = TypeVar("T")
Device = Literal["auto", "cpu", "cuda"]

TIMEOUT = datetime.timedelta(hours=2)
"""The first process evaluates while the others wait; torchrun itself notices a process that has died."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Processes:
    """This process among those of the run."""

    rank: int = 0
    count: int = 1
    count_here: int = 1
    """Of them on this machine."""
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this one writes, prints and evaluates."""
        return self.rank == 0

    def part_of(self, batch: Sequence[T]) -> Sequence[T]:
        """Return this process's part of what all of them share."""
        return batch[self.rank :: self.count]

    def sum(self, values: Sequence[float]) -> list[float]:
        """Add up numbers over the processes, each as FP64."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(total)
        return list(total.tolist())

    def sum_gradients(self, module: nn.Module) -> None:
        """Add up the gradients over the processes, in place, in one message."""
        if self.count == 1:
            return
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        torch.distributed.all_reduce(flat)
        for gradient, total in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(total.view_as(gradient))

    def share_weights(self, module: nn.Module) -> None:
        """Give every process the first one's parameters and buffers."""
        if self.count > 1:
            for tensor in module.state_dict().values():
                torch.distributed.broadcast(tensor, src=0)

    def gather(self, value: Any) -> list[Any]:
        """Return every process's value, by rank."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        torch.distributed.all_gather_object(values, value)
        return values

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.count > 1:
            torch.distributed.barrier()


@contextmanager
def joined_processes(device: Device = "auto", *, environment: Mapping[str, str] = os.environ) -> Iterator[Processes]:
    """Join the processes that torchrun started, if it did, for as long as the context lasts.

    Args:
        device: `auto` is the GPU of this process where there is one.
        environment: WORLD_SIZE, LOCAL_RANK and so on, as torchrun sets them.

    Raises:
        ProcessError: there is no such device, or fewer GPUs than processes.
    """
    count = int(environment.get("WORLD_SIZE", "1"))
    chosen = _device(device, int(environment.get("LOCAL_RANK", "0")))
    if count == 1:
        yield Processes(device=chosen)
        return
    torch.distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo", timeout=TIMEOUT)
    try:
        here = int(environment.get("LOCAL_WORLD_SIZE", str(count)))
        yield Processes(rank=torch.distributed.get_rank(), count=count, count_here=here, device=chosen)
    finally:
        torch.distributed.destroy_process_group()


def require_equal_statistics(module: nn.Module, processes: Processes) -> None:
    """Refuse batch norms that learn their statistics where every process sees another part of the batch.

    Raises:
        ProcessError: there is one, and more than one process.
    """
    if processes.count == 1:
        return
    for name, part in module.named_modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            raise ProcessError(
                f"{name} takes the mean over a batch, of which every process sees a part: they would not learn what "
                "one process learns. Take a model with frozen batch norm, or train with one process"
            )


def _device(device: Device, local_rank: int) -> torch.device:
    gpus = torch.cuda.device_count()
    if device == "cpu" or (device == "auto" and gpus == 0):
        return torch.device("cpu")
    if gpus == 0:
        raise ProcessError("device: cuda, but there is no GPU here; take auto or cpu")
    if local_rank >= gpus:
        raise ProcessError(f"this machine has too few GPUs for process {local_rank}: --nproc-per-node {gpus}")
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)
