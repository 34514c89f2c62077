"""From a head's outputs to its 1,000 candidates: the part of the head that is exported with it."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from training.detector.fcos_outputs import HeadOutputs, expected_distances

CANDIDATES_PER_IMAGE = 1000


class Candidates(NamedTuple):
    """K candidates of each image, best first; the head's tensors on the wire."""

    locations: Tensor
    """FP32 [N, K, 2]: x, y in canvas pixels."""
    distances: Tensor
    """FP32 [N, K, 4]: left, top, right, bottom in canvas pixels, >= 0."""
    scores: Tensor
    """FP32 [N, K] in [0, 1], descending; 0 in the rows of an image that has fewer than K."""
    class_ids: Tensor
    """INT32 [N, K]: taxonomy ids, 0 in such rows."""

    def boxes(self) -> Tensor:
        """Return x1, y1, x2, y2 in canvas pixels, FP32 [N, K, 4]."""
        return torch.cat([self.locations - self.distances[..., :2], self.locations + self.distances[..., 2:]], dim=-1)


class BestPairs(NamedTuple):
    """The best (location, class) pairs of each image, best first; K may be fewer than were asked for."""

    probabilities: Tensor
    """[N, K]: class probability times location probability."""
    location_index: Tensor
    """INT64 [N, K]"""
    class_index: Tensor
    """INT64 [N, K]"""


def best_pairs(class_logits: Tensor, location_logits: Tensor | None, *, count: int) -> BestPairs:
    """Take the `count` best (location, class) pairs, exactly, without sorting all of them.

    No more than `count` locations can hold the best `count` pairs, and those are the ones whose best class scores
    highest: so they are taken first, and 900 classes x 5,834 locations never have to be ranked.

    Args:
        class_logits: [N, L, C].
        location_logits: [N, L], a factor of every class's probability there, such as centerness; None is 1.
        count: K; all pairs where there are fewer.
    """
    best = class_logits.amax(dim=-1).sigmoid()
    # (N, L); both are monotone in the score, their product is what must be ranked
    if location_logits is not None:
        best = best * location_logits.sigmoid()
    kept = best.topk(torch.sym_min(count, best.shape[1]), dim=1).indices
    logits_of_kept = class_logits.gather(1, kept.unsqueeze(-1).expand(-1, -1, class_logits.shape[-1]))
    return best_pairs_among(kept, logits_of_kept, location_logits, count=count)


def best_pairs_among(kept: Tensor, class_logits: Tensor, location_logits: Tensor | None, *, count: int) -> BestPairs:
    """Take the best pairs of some locations only.

    Args:
        kept: INT64 [N, k], the locations.
        class_logits: [N, k, C], theirs.
        location_logits: [N, L], of all locations; None is a factor of 1.
        count: K; all pairs where there are fewer.
    """
    probabilities = class_logits.sigmoid()
    if location_logits is not None:
        probabilities = probabilities * location_logits.gather(1, kept).sigmoid().unsqueeze(-1)
    # (N, k, C) to (N, k * C)
    pairs = probabilities.flatten(1)
    top, pair_index = pairs.topk(torch.sym_min(count, pairs.shape[1]), dim=1)
    num_classes = class_logits.shape[-1]
    return BestPairs(top, kept.gather(1, pair_index // num_classes), pair_index % num_classes)


def select_candidates(
    outputs: HeadOutputs,
    locations: Tensor,
    strides: Tensor,
    class_ids: Tensor,
    *,
    count: int = CANDIDATES_PER_IMAGE,
    distances_of: Callable[[Tensor], Tensor] = expected_distances,
) -> Candidates:
    """Take an FCOS head's best (location, class) pairs, scored by sqrt(class probability * centerness).

    Args:
        outputs: Of L locations and C classes.
        locations: FP32 [L, 2], canvas pixels.
        strides: FP32 [L], canvas pixels per unit of distance.
        class_ids: INT32 [C], the taxonomy id of each class index.
        count: K; rows that an image has no pairs for are 0.
        distances_of: turns distance logits [..., bins] into distances in strides.
    """
    pairs = best_pairs(outputs.class_logits, outputs.centerness_logits, count=count)
    return fcos_candidates(
        pairs, outputs.distance_logits, locations, strides, class_ids, count=count, distances_of=distances_of
    )


def fcos_candidates(
    pairs: BestPairs,
    distance_logits: Tensor,
    locations: Tensor,
    strides: Tensor,
    class_ids: Tensor,
    *,
    count: int,
    distances_of: Callable[[Tensor], Tensor],
) -> Candidates:
    """Look up what the best pairs stand for; the arguments are those of `select_candidates`."""
    index = pairs.location_index
    # (N, L, 4, bins) to (N, K, 4, bins)
    sides_and_bins = distance_logits.shape[2] * distance_logits.shape[3]
    chosen = distance_logits.flatten(2).gather(1, index.unsqueeze(-1).expand(-1, -1, sides_and_bins))
    distances = distances_of(chosen.view(*chosen.shape[:2], *distance_logits.shape[2:]))
    return filled_up(
        Candidates(
            locations=locations[index],
            distances=distances * strides[index].unsqueeze(-1),
            scores=pairs.probabilities.sqrt(),
            class_ids=class_ids[pairs.class_index],
        ),
        count,
    )


def filled_up(candidates: Candidates, count: int) -> Candidates:
    """Return candidates with rows of 0 behind them up to `count`, whatever the image's size."""
    return Candidates(
        *(torch.cat([x, x.new_zeros(x.shape[0], count, *x.shape[2:])], dim=1)[:, :count] for x in candidates)
    )
