"""Generalised mean pooling with a learned power."""

import torch
from torch import Tensor, nn

START_POWER = 3.0
"""Where Radenović et al. start, and about where GrokNet's ended (section 3.2.1)."""
POWER_RANGE = (1.0, 100.0)
"""Average pooling, and all but maximum pooling; outside of it a pooled feature is neither."""
SMALLEST_FEATURE = 1e-6
"""In place of 0, whose logarithm is not finite."""


class GeMPooling(nn.Module):
    """(mean of x^p)^(1/p) over a feature map (GrokNet, section 3.2.1; Radenović et al., equation 3).

    1 is the average of features that are not negative, which is what a ReLU leaves; a large power comes near the
    maximum. p is one learned number.

    Args:
        power: p at the start.

    Raises:
        ValueError: p is not in POWER_RANGE.
    """

    def __init__(self, *, power: float = START_POWER) -> None:
        super().__init__()
        low, high = POWER_RANGE
        if not low <= power <= high:
            raise ValueError(f"power must be in [{low:g}, {high:g}], got {power}")
        self.power = nn.Parameter(torch.tensor(power))

    def forward(self, features: Tensor) -> Tensor:
        """Pool features [N, C, h, w] to [N, C]; negative ones count as almost nothing."""
        # The gradient passes the bounds, so that a power that has gone beyond one can come back.
        power = self.power + (self.power.clamp(*POWER_RANGE) - self.power).detach()
        # In units of each map's own maximum: the power of a large feature would overflow, that of a small one vanish.
        largest = features.detach().amax(dim=(2, 3), keepdim=True).clamp(min=SMALLEST_FEATURE)
        positive = features.clamp(min=SMALLEST_FEATURE) / largest
        mean_power = positive.pow(power).mean(dim=(2, 3))
        return mean_power.pow(1 / power) * largest.flatten(1)
