"""Learning rates: linear warm-up, then a cosine; layers that start from random numbers learn faster."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from training.engine.recipe import Recipe

FINAL_SHARE = 0.01
"""Of the peak, at the end of the cosine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """The share of its peak that every layer's learning rate has at a step."""

    warmup_steps: int
    total_steps: int

    def share_at(self, step: int) -> float:
        """Return the share at a step counted from 0: warm-up times cosine (SGDR, equation 5, without restarts)."""
        warmup = min(1.0, (step + 1) / max(1, self.warmup_steps))
        cosine = FINAL_SHARE + (1 - FINAL_SHARE) * 0.5 * (1 + math.cos(math.pi * step / self.total_steps))
        return warmup * cosine

    def apply(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        """Set the learning rates of a step."""
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * self.share_at(step)


def optimizer_of(recipe: Recipe, detector: nn.Module, new_layers: tuple[nn.Module, ...]) -> torch.optim.AdamW:
    """Build AdamW over what is trained: trained arrays first, then the layers that start from random numbers."""
    new = {id(p) for layer in new_layers for p in layer.parameters()}
    parameters = [p for p in detector.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if id(p) not in new], "peak_lr": recipe.learning_rate},
        {"params": [p for p in parameters if id(p) in new], "peak_lr": recipe.new_layer_learning_rate},
    ]
    return torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
