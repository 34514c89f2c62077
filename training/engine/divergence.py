"""Why a loss is no longer a number, said so that somebody can act on it."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.detector.global_batch import alone
from training.engine.loaded_batch import LoadedBatch
from training.engine.processes import Processes

MAX_PHOTOS_NAMED = 8


def first_bad_tensor(module: nn.Module, *, gradients: bool = False) -> str | None:
    """Return the name of the first parameter, or of the first whose gradient, holds NaN or infinity."""
    for name, parameter in module.named_parameters():
        values = parameter.grad if gradients else parameter.data
        if values is not None and not torch.isfinite(values).all():
            return name
    return None


def photos_at_fault(
    batch: LoadedBatch,
    paths: Sequence[Path],
    losses: Callable[[Sequence[Any]], Mapping[str, Tensor]],
    processes: Processes,
) -> list[Path]:
    """Look at a batch's photos one by one and return those whose own loss is no number, of all processes.

    Every process must call it, with its part of the batch and the path of each photo. None is to blame alone where only
    the sum is too large for its type.
    """
    found = []
    with alone(), torch.no_grad():
        for sample, path in zip(batch.samples if batch.counts else [], paths, strict=False):
            if not all(math.isfinite(float(value)) for value in losses([sample]).values()):
                found.append(path)
    return [path for of_process in processes.gather(found) for path in of_process]


def explain(
    terms: Mapping[str, float],
    *,
    step: int,
    epoch: int,
    learning_rate: float,
    at_fault: Sequence[Path],
    batch_paths: Sequence[Path],
    bad_weight: str | None,
    bad_gradient: str | None = None,
) -> str:
    """Say in one line which term, which photos, which weights, and at which learning rate."""
    what = "the gradient is" if bad_gradient else "the loss is"
    values = ", ".join(f"{name} {value:.6g}" for name, value in terms.items())
    where = f"{what} not finite at step {step} (epoch {epoch + 1}): {values}; learning rate {learning_rate:.3g}."
    if bad_gradient:
        where += f" The first bad gradient is that of {bad_gradient}."
    if bad_weight:
        reason = f"The weights were broken before: {bad_weight} holds NaN or infinity."
    elif at_fault and len(at_fault) < len(batch_paths):
        reason = f"It comes from {_named(at_fault)}, {len(at_fault)} of {len(batch_paths)} photos of the step."
    else:
        reason = f"The photos of the step: {_named(batch_paths)}."
    return f"{where} {reason}"


def _named(paths: Sequence[Path]) -> str:
    names = [str(path) for path in dict.fromkeys(paths)]
    more = f" and {len(names) - MAX_PHOTOS_NAMED} more" if len(names) > MAX_PHOTOS_NAMED else ""
    return ", ".join(names[:MAX_PHOTOS_NAMED]) + more
