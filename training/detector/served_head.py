"""A head as it is exported: features in, candidates with taxonomy ids out."""

from typing import Any

import torch
from torch import Tensor, nn

from training.detector.candidates import Candidates
from training.detector.head import DetectionHead


class ServedHead(nn.Module):
    """A head with the taxonomy ids of its classes."""

    class_ids: Tensor

    def __init__(self, head: DetectionHead[Any], taxonomy_ids: list[int]) -> None:
        super().__init__()
        if len(taxonomy_ids) != head.num_classes:
            raise ValueError(f"{len(taxonomy_ids)} taxonomy ids for a head of {head.num_classes} classes")
        self.head = head
        self.register_buffer("class_ids", torch.tensor(taxonomy_ids, dtype=torch.int32), persistent=False)

    def forward(self, p3: Tensor, p4: Tensor, p5: Tensor, p6: Tensor, p7: Tensor) -> Candidates:
        """Map features FP32 [N, C, h, w] of each level to 1,000 candidates per image."""
        return self.head.detect((p3, p4, p5, p6, p7), self.class_ids)
