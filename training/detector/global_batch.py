"""Sums over a step's whole batch when several processes share it.

A loss is divided by what the whole batch holds, its positive locations for instance. With every process dividing its
part by the sum over all, the parts add up to the loss, and their gradients to the gradient, that one process would have
got of the whole batch.
"""

import contextlib
from collections.abc import Iterator

import torch.distributed
from torch import Tensor

_contributes = True
_is_alone = False


def sum_over_processes(value: Tensor) -> Tensor:
    """Add up a number, or an array of them, over the processes that share the batch; no gradient passes.

    Every process must call it equally often and in the same order. One process alone gets its value back.
    """
    if not shares_the_batch():
        return value
    total = value.detach().clone() if _contributes else torch.zeros_like(value)
    torch.distributed.all_reduce(total)
    return total


def shares_the_batch() -> bool:
    """Whether other processes take part in this batch, so that something has to be sent."""
    return not _is_alone and torch.distributed.is_available() and torch.distributed.is_initialized()


def contributes() -> bool:
    """Whether what this process holds of the batch counts."""
    return _contributes


@contextlib.contextmanager
def without_contribution() -> Iterator[None]:
    """Take part in the sums, adding nothing: of a process whose part of a small batch is empty."""
    global _contributes
    before, _contributes = _contributes, False
    try:
        yield
    finally:
        _contributes = before


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Sum over this process only: to look at single photos while the others do something else."""
    global _is_alone
    before, _is_alone = _is_alone, True
    try:
        yield
    finally:
        _is_alone = before
