"""Exponential moving average of the weights, with a warm-up so that the first steps do not weigh for ever."""

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

ModuleT = TypeVar("ModuleT", bound=nn.Module)


class AveragedWeights(Generic[ModuleT]):
    """Holds a copy of a module whose parameters trail the original's."""

    def __init__(self, module: ModuleT, *, decay: float) -> None:
        self.module = copy.deepcopy(module)
        self.module.eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, module: ModuleT, step: int) -> None:
        """Move towards `module` after optimiser step `step` (from 0)."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for average, parameter in zip(self.module.parameters(), module.parameters(), strict=True):
            average.lerp_(parameter, 1 - decay)
        for buffer, current in zip(self.module.buffers(), module.buffers(), strict=True):
            buffer.copy_(current)  # statistics that are averages already
