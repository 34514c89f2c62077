"""What an embedder says of crops, by whatever way it is run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.embedder.data import LabelledCrop
from training.embedder.evaluation.distances import Embeddings
from training.embedder.hashing.hamming import Hashes

BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedCrops:
    """N crops."""

    embeddings: Embeddings
    """FP32 [N, D]"""
    hashes: Hashes
    """UINT8 [N, bytes]"""
    best_labels: Mapping[str, Sequence[str]]
    """Of each head the most probable label of each crop, [N]."""

    def rows(self, indices: Sequence[int] | npt.NDArray[np.int64]) -> "EmbeddedCrops":
        """Return some of the crops, in the order asked for."""
        best = {head: [labels[int(i)] for i in indices] for head, labels in self.best_labels.items()}
        return EmbeddedCrops(embeddings=self.embeddings[indices], hashes=self.hashes[indices], best_labels=best)


class CropModel(Protocol):
    """Something that embeds images: a run in PyTorch, or an exported graph."""

    @property
    def name(self) -> str:
        """For titles."""

    @property
    def labels_of_head(self) -> Mapping[str, Sequence[str]]:
        """The labels that each attribute head knows."""

    def embed(self, images: Sequence[Image.Image]) -> EmbeddedCrops:
        """Embed a batch of RGB images, each as a whole."""


def embed_crops(
    model: CropModel, crops: Sequence[LabelledCrop], *, on_batch: Callable[[int], None] = lambda count: None
) -> EmbeddedCrops:
    """Embed crops in batches.

    Args:
        model: what embeds.
        crops: at least one.
        on_batch: called with the number of crops that are done since the last call.
    """
    parts = []
    for start in range(0, len(crops), BATCH):
        batch = crops[start : start + BATCH]
        parts.append(model.embed([crop.open() for crop in batch]))
        on_batch(len(batch))
    return EmbeddedCrops(
        embeddings=np.concatenate([part.embeddings for part in parts]),
        hashes=np.concatenate([part.hashes for part in parts]),
        best_labels={head: [label for p in parts for label in p.best_labels[head]] for head in parts[0].best_labels},
    )
