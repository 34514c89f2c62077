"""The terms of an embedder's loss: a weighted sum over losses, of which each sees the sets that supervise it."""

import contextlib
from collections.abc import Sequence

import torch
from torch import Tensor

from training.detector.global_batch import sum_over_processes, without_contribution
from training.embedder.data.training_crops import CropSample
from training.embedder.engine.learning_embedder import LearningEmbedder
from training.embedder.engine.product_triplets import product_triplet_loss
from training.embedder.engine.recipe import EmbedderRecipe
from training.embedder.engine.supervision import Supervision
from training.embedder.losses.arcface_loss import arcface_loss
from training.embedder.losses.multi_label_softmax_loss import multi_label_softmax_loss
from training.embedder.losses.normalised_softmax_loss import normalised_softmax_loss, sample_classes
from training.embedder.losses.pairwise_double_margin_loss import pairwise_double_margin_loss
from training.embedder.losses.supervised_contrastive_loss import supervised_contrastive_loss
from training.engine.loaded_batch import LoadedBatch
from training.engine.precision import MixedPrecision
from training.engine.processes import Processes


class EmbedderStepLosses:
    """Runs the embedder on a batch, in the recipe's precision, and compares its FP32 outputs with what is known."""

    def __init__(
        self,
        *,
        recipe: EmbedderRecipe,
        embedder: LearningEmbedder,
        supervision: Supervision,
        precision: MixedPrecision,
        processes: Processes,
    ) -> None:
        self._recipe = recipe
        self._embedder = embedder
        self._supervision = supervision
        self._precision = precision
        self._processes = processes

    def of_batch(self, batch: LoadedBatch) -> dict[str, Tensor]:
        """Return this process's share of each term; the shares of all processes add up to the term."""
        with contextlib.nullcontext() if batch.counts else without_contribution():
            return self._terms(batch.samples, counts=batch.counts)

    def __call__(self, samples: Sequence[CropSample]) -> dict[str, Tensor]:
        """Return each term, weighted as the recipe says."""
        return self._terms(samples, counts=True)

    def _terms(self, samples: Sequence[CropSample], *, counts: bool) -> dict[str, Tensor]:
        shared_seed = self._shared_seed()  # first of all: the first process's generator is then as that of one alone
        with self._precision.autocast():
            pixels = torch.stack([sample.pixels for sample in samples]).float()
            outputs = self._embedder(pixels.contiguous(memory_format=torch.channels_last))
        # A stand-in, and a file that can no longer be read, go through the network and say nothing.
        crops = [sample.crop_index if counts and sample.is_readable else None for sample in samples]
        terms = {
            loss: self._embedding_term(loss, outputs.embeddings, crops, shared_seed)
            * getattr(self._recipe, f"{loss}_weight")
            for loss in self._supervision.embedding
        }
        for head, known in self._supervision.heads.items():
            is_label = self._supervision.is_label(known, crops, outputs.embeddings.device)
            weight = self._recipe.head_weights.get(head, 1.0)
            terms[f"head_{head}"] = multi_label_softmax_loss(outputs.logits[head], is_label) * weight
        return terms

    def _embedding_term(self, loss: str, embeddings: Tensor, crops: Sequence[int | None], shared_seed: int) -> Tensor:
        recipe, known, device = self._recipe, self._supervision.embedding[loss], embeddings.device
        if loss in ("arcface", "multi_label_arcface"):
            return arcface_loss(
                embeddings,
                self._embedder.class_centres[loss],
                self._supervision.is_label(known, crops, device),
                margin=recipe.arcface_margin,
                scale=recipe.arcface_scale,
            )
        ids = self._supervision.ids(known, crops, device)
        if loss == "pairwise":
            return pairwise_double_margin_loss(
                embeddings,
                ids,
                power=recipe.pairwise_power,
                positive_margins=recipe.pairwise_positive_margins,
                negative_margins=recipe.pairwise_negative_margins,
                negative_weight=recipe.pairwise_negative_weight,
            )
        if loss in ("triplet", "contrastive"):
            first, step = self._processes.rank, self._processes.count
            places = torch.arange(first, first + len(ids) * step, step, device=device)
            if loss == "contrastive":
                return supervised_contrastive_loss(embeddings, ids, places, temperature=recipe.contrastive_temperature)
            return product_triplet_loss(embeddings, ids, places, margin=recipe.triplet_margin)
        return normalised_softmax_loss(
            embeddings,
            self._embedder.class_centres[loss],
            ids,
            temperature=recipe.normalised_softmax_temperature,
            sampled_classes=self._sampled_classes(ids, len(known.names), shared_seed),
        )

    def _sampled_classes(self, class_ids: Tensor, num_classes: int, seed: int) -> Tensor | None:
        count = self._recipe.normalised_softmax_classes
        if not count or count >= num_classes:
            return None
        generator = torch.Generator().manual_seed(seed)
        return sample_classes(class_ids, num_classes=num_classes, count=count, generator=generator)

    def _shared_seed(self) -> int:
        """Draw a number of the step that is the same in every process, however many there are."""
        own = torch.randint(2**31, (1,)) * self._processes.is_first
        return int(sum_over_processes(own.to(self._processes.device)))
