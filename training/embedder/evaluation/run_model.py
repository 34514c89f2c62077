"""A training run's embedder as something that embeds images."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from training.embedder.data import crop_pixels
from training.embedder.embedder import Embedder, EmbedderSpec
from training.embedder.evaluation.embedded_crops import EmbeddedCrops
from training.embedder.hashing.hasher import load_hasher
from training.embedder.hashing.sign_binarisation import SignBinarisation
from training.embedder.trained_run import TrainedRun

UNTRAINED = EmbedderSpec(trunk="mobilenet_v1", trunk_from="imagenet_arrays", pooling="average", embedding_dims=1)
"""ImageNet's features as they are: what training must beat."""


class RunModel:
    """An embedder in PyTorch, and its hasher."""

    def __init__(
        self,
        *,
        name: str,
        embedder: Embedder,
        hasher: nn.Module,
        crop_px: int,
        labels_of_head: Mapping[str, Sequence[str]],
        is_pooled: bool = False,
    ) -> None:
        """Take the parts.

        Args:
            name: for titles.
            embedder: in eval mode.
            hasher: FP32 [N, D] to codes FP32 [N, bits].
            crop_px: side of the crops.
            labels_of_head: of the embedder's heads.
            is_pooled: take the pooled features for the embedding, where that was never trained.
        """
        self.name = name
        self.labels_of_head = labels_of_head
        self._embedder = embedder
        self._hasher = hasher
        self._crop_px = crop_px
        self._is_pooled = is_pooled

    @classmethod
    def of_run(cls, run: TrainedRun) -> "RunModel":
        """Return a run's embedder with its hasher; signs of fixed directions where it has none.

        Raises:
            HashingError: the hasher is another embedder's, or damaged.
        """
        dims = run.recipe.embedding_dims
        return cls(
            name=run.folder.resolve().name,
            embedder=run.embedder,
            hasher=load_hasher(run.folder, dims=dims, embedder_sha256=run.embedder_sha256),
            crop_px=run.recipe.crop_px,
            labels_of_head={head.name: head.labels for head in run.heads},
        )

    @classmethod
    def untrained(cls) -> "RunModel":
        """Return ImageNet's MobileNet without training: its averaged features, and the signs around the origin."""
        embedder = Embedder.build(UNTRAINED).eval()
        hasher = SignBinarisation.fixed(embedder.trunk.out_channels).eval()
        return cls(
            name="ImageNet MobileNet, untrained",
            embedder=embedder,
            hasher=hasher,
            crop_px=UNTRAINED.crop_px,
            labels_of_head={},
            is_pooled=True,
        )

    @torch.inference_mode()
    def embed(self, images: Sequence[Image.Image]) -> EmbeddedCrops:
        """Embed a batch of RGB images, each stretched to a square."""
        crops = torch.stack([crop_pixels(image, self._crop_px) for image in images])
        outputs = self._embedder(crops.to(next(self._embedder.parameters()).device))
        embeddings = nn.functional.normalize(outputs.pooled) if self._is_pooled else outputs.embeddings
        codes: Tensor = self._hasher(embeddings)
        best = {
            head: [labels[int(k)] for k in outputs.logits[head].argmax(dim=1)]
            for head, labels in self.labels_of_head.items()
        }
        return EmbeddedCrops(
            embeddings=embeddings.cpu().numpy(),
            hashes=np.packbits(codes.cpu().numpy() > 0, axis=1),
            best_labels=best,
        )
