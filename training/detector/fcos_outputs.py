"""What an FCOS head says of every location, and what its distances mean."""

from typing import NamedTuple

import torch
from torch import Tensor


class HeadOutputs(NamedTuple):
    """What the head says of every location; L = locations of all levels, in the order P3..P7, rows first."""

    class_logits: Tensor
    """[N, L, classes]"""
    centerness_logits: Tensor
    """[N, L]"""
    distance_logits: Tensor
    """[N, L, 4, bins]: for left, top, right and bottom what the head turns into a distance."""
    objectness_logits: Tensor | None = None
    """[N, L]: what the best class scores, guessed without looking at the classes; of heads that classify only the
    locations where it is high."""


def expected_distances(distance_logits: Tensor) -> Tensor:
    """Return the distances, >= 0, in units of the level's stride: expectations of distributions over bins.

    Apart from the head, since it costs a third of it when done for every location, and few locations matter.

    Args:
        distance_logits: FP32 [..., bins]; bin k stands for the distance k.
    """
    bins = torch.arange(distance_logits.shape[-1], dtype=distance_logits.dtype, device=distance_logits.device)
    return (distance_logits.softmax(dim=-1) * bins).sum(dim=-1)


def rectified_distances(distance_logits: Tensor) -> Tensor:
    """Return the distances, >= 0, in units of the level's stride: the logits where they are positive.

    FCOS's improvements: with targets divided by the level's stride the exponential is not needed.

    Args:
        distance_logits: FP32 [..., 1].
    """
    return distance_logits.squeeze(-1).relu()
