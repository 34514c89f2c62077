"""From one crop to what the ensembles answer for it, as a module that can be exported."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.embedder.embedder import Embedder
from training.embedder.export.calibrated_scores import CalibratedScores
from training.embedder.hashing.pack_bits import pack_bits

BEST_LABELS = 5
"""How many labels of each head leave the graph; all where a head has fewer."""


class Answer(NamedTuple):
    """What is served of one crop."""

    hash: Tensor
    """UINT8 [bits / 8]"""
    embedding: Tensor
    """FP32 [D], unit length"""
    label_ids_per_head: list[Tensor]
    """INT32 [K] of each head, best first: positions in the head's list of labels."""
    scores_per_head: list[Tensor]
    """FP32 [K] of each head, calibrated."""


class ServedEmbedder(nn.Module):
    """Embedder, hasher and calibration of one crop.

    Args:
        embedder: trained, of any trunk.
        hasher: FP32 [N, D] to codes FP32 [N, bits].
        heads: names of the heads to serve, in the order of the outputs.
        calibration: of those heads that have one; a score stays as it is without.
    """

    def __init__(
        self,
        embedder: Embedder,
        hasher: nn.Module,
        *,
        heads: Sequence[str],
        calibration: Mapping[str, CalibratedScores],
    ) -> None:
        super().__init__()
        self.embedder = embedder
        self.hasher = hasher
        self.head_names = tuple(heads)
        self.calibration = nn.ModuleDict(dict(calibration))

    def forward(self, crop: Tensor) -> Answer:
        """Answer for one crop FP32 [1, S, S, 3], RGB 0..255."""
        outputs = self.embedder(crop.permute(0, 3, 1, 2))
        label_ids, scores = [], []
        for name in self.head_names:
            probabilities = outputs.logits[name].softmax(dim=1)
            best, ids = probabilities.topk(min(BEST_LABELS, probabilities.shape[1]), dim=1)
            if name in self.calibration:
                best = _descending(self.calibration[name](best))
            label_ids.append(ids[0].to(torch.int32))
            scores.append(best[0])
        return Answer(pack_bits(self.hasher(outputs.embeddings))[0], outputs.embeddings[0], label_ids, scores)


def _descending(probabilities: Tensor) -> Tensor:
    """Take away what rounding has raised: of [N, K] no column is above the one before it."""
    columns = list(probabilities.unbind(dim=1))
    for k in range(1, len(columns)):
        columns[k] = torch.minimum(columns[k], columns[k - 1])
    return torch.stack(columns, dim=1)
