"""Train a small embedder on crops or features in memory, and look for val crops with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.embedder.embedder import Embedder
from training.embedder.evaluation.distances import Embeddings, cosine_distances
from training.embedder.evaluation.query_scores import score_queries
from training.embedder.hashing.hamming import hamming_distances
from training.embedder.hashing.hash_quality import hashes_of
from training.embedder.losses.arcface_loss import arcface_loss
from training.embedder.losses.multi_label_softmax_loss import multi_label_softmax_loss
from training.embedder.losses.pairwise_double_margin_loss import pairwise_double_margin_loss
from training.scorecard.embedder_arm import Loss
from training.scorecard.embedder_crops import UNSEEN, CropsOfSet

EMBEDDING_DIMS = 400
IMAGES_PER_CLASS = 2
"""In a batch, so that there are pairs."""
NEW_LEARNING_RATE = 2e-3
"""Of what starts from random numbers."""
WEIGHT_DECAY = 1e-4
WARMUP_SHARE = 0.1
ARCFACE_MARGIN, ARCFACE_SCALE = 0.3, 30.0
PAIRWISE_NEGATIVE_WEIGHT = 100.0
"""GrokNet's 10,000 is for batches of thousands, of which hardly a pair is too near."""

PrecisionBySet = dict[str, dict[str, list[float]]]
"""By val set and by `float` and `binary`: of each query the chance that its nearest item is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentSet:
    """One set: N train crops, Q val crops; what the trunk takes of them is [3, S, S] or [C, h, w]."""

    name: str
    train: CropsOfSet
    views: Tensor
    """[V, N, ...] of any type: what is learnt from."""
    gallery: Tensor
    """[N, ...]: the train crops as they are."""
    val: CropsOfSet
    queries: Tensor
    """[Q, ...]"""

    @property
    def classes(self) -> list[str]:
        """What is learnt: without the classes that are held out."""
        kept = zip(self.train.labels, self.train.is_held_out, strict=True)
        return sorted({label for label, is_held_out in kept if not is_held_out})

    @property
    def rows_per_class(self) -> list[list[int]]:
        """Rows of each class's train crops."""
        labels = np.array(self.train.labels)
        return [np.flatnonzero(labels == name).tolist() for name in self.classes]


def train_small_embedder(
    embedder: Embedder,
    sets: Sequence[ExperimentSet],
    *,
    losses: Sequence[Loss],
    steps: int,
    seed: int,
    crops_per_set: int,
    trunk_learning_rate: float,
    augmented: Callable[[Tensor, np.random.Generator], Tensor] = lambda crops, generator: crops,
) -> None:
    """Train in place: AdamW, a short warm-up, then a cosine down to 0.

    Args:
        embedder: whose trunk takes the sets' views, with a head for each set if softmax is among the losses.
        sets: each gives equally many crops to every step.
        losses: added up.
        steps: how many.
        seed: of the batches.
        crops_per_set: in a step.
        trunk_learning_rate: of the trunk; all else has `NEW_LEARNING_RATE`.
        augmented: changes a set's part of a batch.

    Raises:
        FloatingPointError: the loss is no number any more.
    """
    generator = np.random.default_rng([seed, 7])
    counts = [len(s.classes) for s in sets]
    first_class = np.cumsum([0, *counts])
    rows_per_class_of_set = [s.rows_per_class for s in sets]
    centres = nn.Parameter(0.05 * torch.randn(sum(counts), EMBEDDING_DIMS))
    new = [p for name, p in embedder.named_parameters() if not name.startswith("trunk.")]
    optimizer = torch.optim.AdamW(
        [
            {"params": list(embedder.trunk.parameters()), "lr": trunk_learning_rate},
            {"params": [*new, centres], "lr": NEW_LEARNING_RATE},
        ],
        weight_decay=WEIGHT_DECAY,
    )
    warmup = max(1, round(WARMUP_SHARE * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, 0.5 * (1 + float(np.cos(np.pi * step / steps))))
    )
    embedder.train()
    for _ in range(steps):
        parts, own_classes = [], []
        for s, rows_per_class in zip(sets, rows_per_class_of_set, strict=True):
            rows, classes = draw(rows_per_class, crops_per_set, generator)
            views = generator.integers(len(s.views), size=len(rows))
            parts.append(augmented(s.views[views, rows].float(), generator))
            own_classes.append(torch.tensor(classes))
        outputs = embedder(torch.cat(parts))
        classes_of_all = torch.cat([own + int(first) for own, first in zip(own_classes, first_class, strict=False)])
        terms = []
        if "arcface" in losses:
            is_class = nn.functional.one_hot(classes_of_all, sum(counts)).bool()
            terms.append(
                arcface_loss(outputs.embeddings, centres, is_class, margin=ARCFACE_MARGIN, scale=ARCFACE_SCALE)
            )
        if "pairwise" in losses:
            terms.append(
                pairwise_double_margin_loss(
                    outputs.embeddings, classes_of_all, negative_weight=PAIRWISE_NEGATIVE_WEIGHT
                )
            )
        if "softmax" in losses:
            for position, (s, own) in enumerate(zip(sets, own_classes, strict=True)):
                logits = outputs.logits[s.name][position * crops_per_set : (position + 1) * crops_per_set]
                is_label = nn.functional.one_hot(own, logits.shape[1]).bool()
                terms.append(multi_label_softmax_loss(logits, is_label) / len(sets))
        loss = torch.stack(terms).sum()
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss.item()}")
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    embedder.eval()


def draw(
    rows_per_class: Sequence[Sequence[int]], crops: int, generator: np.random.Generator
) -> tuple[list[int], list[int]]:
    """Draw `IMAGES_PER_CLASS` crops of each of some classes: rows and classes, `crops` of each.

    A set of few classes shows its classes repeatedly, a class of one crop that crop.
    """
    wanted = crops // IMAGES_PER_CLASS
    count = len(rows_per_class)
    order = [int(index) for _ in range(-(-wanted // count)) for index in generator.permutation(count)]
    rows: list[int] = []
    classes: list[int] = []
    for index in order[:wanted]:
        of_class = rows_per_class[index]
        rows += generator.choice(of_class, IMAGES_PER_CLASS, replace=len(of_class) < IMAGES_PER_CLASS).tolist()
        classes += [index] * IMAGES_PER_CLASS
    return rows, classes


@torch.inference_mode()
def embed(embedder: Embedder, crops: Tensor, *, is_pooled: bool = False) -> Embeddings:
    """Embed crops [N, ...]: FP32 [N, D] of unit length; of the pooled features where that is asked for."""
    parts = []
    for start in range(0, len(crops), 64):
        outputs = embedder(crops[start : start + 64].float())
        parts.append(nn.functional.normalize(outputs.pooled) if is_pooled else outputs.embeddings)
    embeddings: Embeddings = torch.cat(parts).numpy()
    return embeddings


def judge_small_embedder(
    embedder: Embedder, sets: Sequence[ExperimentSet], *, is_pooled: bool = False, hasher: nn.Module | None = None
) -> PrecisionBySet:
    """Look for each set's val crops among its train crops; and for each crop of held-out classes among the others.

    Args:
        embedder: in eval mode.
        sets: to judge.
        is_pooled: judge the pooled features.
        hasher: judge bits as well.
    """
    found: PrecisionBySet = {}
    for s in sets:
        queries = embed(embedder, s.queries, is_pooled=is_pooled)
        gallery = embed(embedder, s.gallery, is_pooled=is_pooled)
        is_right = np.array(s.val.labels)[:, None] == np.array(s.train.labels)
        found[s.name] = _precision(hasher, queries, gallery, is_right)
        if any(s.val.is_held_out):
            is_unseen = np.array([*s.val.is_held_out, *s.train.is_held_out])
            unseen = np.concatenate([queries, gallery])[is_unseen]
            labels = np.array([*s.val.labels, *s.train.labels])[is_unseen]
            is_other = ~np.eye(len(unseen), dtype=np.bool_)
            found[UNSEEN] = _precision(hasher, unseen, unseen, labels[:, None] == labels, is_other)
    return found


def _precision(
    hasher: nn.Module | None,
    queries: Embeddings,
    gallery: Embeddings,
    is_right: npt.NDArray[np.bool_],
    is_in_gallery: npt.NDArray[np.bool_] | None = None,
) -> dict[str, list[float]]:
    """Of each query that has an answer."""
    distances: dict[str, npt.NDArray[np.generic]] = {"float": cosine_distances(queries, gallery)}
    if hasher is not None:
        distances["binary"] = hamming_distances(hashes_of(hasher, queries), hashes_of(hasher, gallery))
    found = {}
    for name, values in distances.items():
        scores = score_queries(values, is_right, is_in_gallery=is_in_gallery).precision_at_1
        found[name] = [round(float(score), 6) for score in scores[np.isfinite(scores)]]
    return found
