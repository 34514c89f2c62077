"""From a head's outputs to its 1,000 candidates: the part of the head that is exported with it."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.detector.fcos_head import FCOSHead, HeadOutputs, expected_distances
from training.detector.locations import pyramid_locations

CANDIDATES_PER_IMAGE = 1000


class Candidates(NamedTuple):
    """K candidates of each image, best first; the head's tensors on the wire."""

    locations: Tensor
    """FP32 [N, K, 2]: x, y in canvas pixels."""
    distances: Tensor
    """FP32 [N, K, 4]: left, top, right, bottom in canvas pixels, >= 0."""
    scores: Tensor
    """FP32 [N, K] in [0, 1], descending: sqrt(class probability * centerness)."""
    class_ids: Tensor
    """INT32 [N, K]: taxonomy ids."""

    def boxes(self) -> Tensor:
        """Return x1, y1, x2, y2 in canvas pixels, FP32 [N, K, 4]."""
        return torch.cat([self.locations - self.distances[..., :2], self.locations + self.distances[..., 2:]], dim=-1)


def select_candidates(
    outputs: HeadOutputs,
    locations: Tensor,
    strides: Tensor,
    class_ids: Tensor,
    *,
    count: int = CANDIDATES_PER_IMAGE,
) -> Candidates:
    """Take the `count` best (location, class) pairs, exactly, without sorting all of them.

    No more than `count` locations can hold the best `count` pairs, and those are the ones whose best class scores
    highest: so they are taken first, and 900 classes x 5,834 locations never have to be ranked.

    Args:
        outputs: Of L locations and C classes.
        locations: FP32 [L, 2], canvas pixels.
        strides: FP32 [L], canvas pixels per unit of distance.
        class_ids: INT32 [C], the taxonomy id of each class index.
        count: K; fewer locations or pairs than this are an error of the caller.
    """
    num_classes = outputs.class_logits.shape[-1]
    best_logits = outputs.class_logits.amax(dim=-1)
    # (N, L); logits and centerness are both monotone in the score, their product is what must be ranked
    best_scores = best_logits.sigmoid() * outputs.centerness_logits.sigmoid()
    location_index = best_scores.topk(count, dim=1).indices
    class_logits = outputs.class_logits.gather(1, location_index.unsqueeze(-1).expand(-1, -1, num_classes))
    centerness_logits = outputs.centerness_logits.gather(1, location_index)
    # (N, K, C) to (N, K * C)
    squared_scores = (class_logits.sigmoid() * centerness_logits.sigmoid().unsqueeze(-1)).flatten(1)
    top_squared_scores, pair_index = squared_scores.topk(count, dim=1)
    location_index = location_index.gather(1, pair_index // num_classes)
    logits = outputs.distance_logits
    # (N, L, 4, bins) to (N, K, 4, bins)
    sides_and_bins = logits.shape[2] * logits.shape[3]
    chosen = logits.flatten(2).gather(1, location_index.unsqueeze(-1).expand(-1, -1, sides_and_bins))
    distances = expected_distances(chosen.view(*chosen.shape[:2], *logits.shape[2:]))
    return Candidates(
        locations=locations[location_index],
        distances=distances * strides[location_index].unsqueeze(-1),
        scores=top_squared_scores.sqrt(),
        class_ids=class_ids[pair_index % num_classes],
    )


class ServedHead(nn.Module):
    """A head as it is exported: P3..P7 in, candidates with taxonomy ids out."""

    class_ids: Tensor

    def __init__(self, head: FCOSHead, taxonomy_ids: list[int]) -> None:
        super().__init__()
        if len(taxonomy_ids) != head.num_classes:
            raise ValueError(f"{len(taxonomy_ids)} taxonomy ids for a head of {head.num_classes} classes")
        self.head = head
        self.register_buffer("class_ids", torch.tensor(taxonomy_ids, dtype=torch.int32), persistent=False)

    def forward(self, p3: Tensor, p4: Tensor, p5: Tensor, p6: Tensor, p7: Tensor) -> Candidates:
        """Map features FP32 [N, 128, h, w] of each level to 1,000 candidates per image."""
        features = (p3, p4, p5, p6, p7)
        locations, strides = pyramid_locations([(f.shape[-2], f.shape[-1]) for f in features], p3.device)
        return select_candidates(self.head(features), locations, strides, self.class_ids)
