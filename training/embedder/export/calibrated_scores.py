"""A score's calibrated probability: the piecewise linear function that isotonic regression gave."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn


class CalibratedScores(nn.Module):
    """Linear between knots, constant beyond them: `numpy.interp` as additions and clips, which every runtime has."""

    start: Tensor
    widths: Tensor
    lefts: Tensor
    slopes: Tensor

    def __init__(self, scores: Sequence[float], probabilities: Sequence[float]) -> None:
        """Take the knots.

        Args:
            scores: ascending, at least one; of equal ones, a step, the last counts.
            probabilities: one for each.

        Raises:
            ValueError: the two are of different length, empty, or scores fall.
        """
        super().__init__()
        x, y = np.asarray(scores, np.float64), np.asarray(probabilities, np.float64)
        if x.ndim != 1 or x.shape != y.shape or len(x) == 0 or (np.diff(x) < 0).any():
            raise ValueError(
                f"a calibration is one or more ascending scores with a probability each, got {list(x)} and {list(y)}"
            )
        is_last_of_equals = np.append(np.diff(x) > 0, True)
        x, y = x[is_last_of_equals], y[is_last_of_equals]
        widths = np.diff(x)
        for name, values in (
            ("start", y[:1]),
            ("lefts", x[:-1]),
            ("widths", widths),
            ("slopes", np.diff(y) / widths),
        ):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32))

    def forward(self, scores: Tensor) -> Tensor:
        """Map scores FP32 [...] to probabilities FP32 [...], which may fall by rounding where the scores rise."""
        within = torch.minimum((scores.unsqueeze(-1) - self.lefts).clamp(min=0), self.widths)
        probabilities: Tensor = self.start + (within * self.slopes).sum(dim=-1)
        return probabilities.clamp(0, 1)
