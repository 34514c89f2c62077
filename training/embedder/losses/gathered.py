"""Rows of all processes in every process, with gradients that go back to where the rows came from.

Every process returns its share of a loss, and shares and gradients are added up (`training.engine.processes`). A row
that all processes see is therefore owed the sum of what each process's share says of it: both directions are one sum
over the processes. Every process must call these equally often and in the same order, with or without rows of its own.
"""

from typing import Any

import torch
import torch.distributed
from torch import Tensor

from training.detector.global_batch import contributes, shares_the_batch, sum_over_processes


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.detach().clone().contiguous()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone().contiguous()
        torch.distributed.all_reduce(total)
        return total


def sum_with_gradient(value: Tensor) -> Tensor:
    """Add up a tensor over the processes that share the batch; one process alone gets it back as it is."""
    if not shares_the_batch():
        return value
    total: Tensor = _Sum.apply(value if contributes() else value * 0)
    return total


def gather_rows(rows: Tensor) -> Tensor:
    """Stack the rows [N, ...] of all processes, by rank; the numbers N of rows may differ.

    Returns:
        [sum of N, ...], in every process.
    """
    if not shares_the_batch():
        return rows
    rank, count = torch.distributed.get_rank(), torch.distributed.get_world_size()
    rows_per_process = torch.zeros(count, dtype=torch.int64, device=rows.device)
    rows_per_process[rank] = len(rows)
    rows_per_process = sum_over_processes(rows_per_process)
    before, after = int(rows_per_process[:rank].sum()), int(rows_per_process[rank + 1 :].sum())
    own = rows[: int(rows_per_process[rank])]  # of a process that only takes part, none
    # A sum of rows and zeros is exact, takes any numbers of rows, and is its own gradient.
    nothing = own.new_zeros(before + after, *rows.shape[1:])
    return sum_with_gradient(torch.cat([nothing[:before], own, nothing[before:]]))
