"""What each crop says to which loss (GrokNet, table 1): a set's crops supervise its own losses and no others."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.embedder.embedder import HeadSpec
from training.embedder.engine.recipe import EmbedderRecipe
from training.embedder.engine.training_data import TrainingData, identities
from training.engine.errors import DataError

CENTRED = ("arcface", "multi_label_arcface", "normalised_softmax")
"""Losses that learn a centre for each class."""


@dataclass(frozen=True, slots=True)
class Known:
    """What each crop of the data says in one respect, as indices of names."""

    names: tuple[str, ...]
    of_crop: Sequence[tuple[int, ...]]
    """Empty where it says nothing."""


class Supervision:
    """Labels of crops as the losses want them.

    Attributes:
        embedding: of each loss of the embedding the classes, which are what the sets' `identity` says.
        heads: of each head the labels.
    """

    def __init__(self, recipe: EmbedderRecipe, data: TrainingData) -> None:
        """Look up everything once.

        Raises:
            DataError: a crop says several things to a loss that takes one.
        """
        self.embedding: dict[str, Known] = {loss: _identities(loss, data) for loss in recipe.embedding_losses()}
        self.heads = {head: _labels(head, kind, data) for head, kind in recipe.heads.items()}
        if recipe.arcface_classes and "arcface" in self.embedding:
            self.embedding["arcface"] = _most_frequent(self.embedding["arcface"], recipe.arcface_classes)
        self._head_kinds = recipe.heads

    @property
    def num_centres(self) -> Mapping[str, int]:
        """Classes of each loss that learns a centre for each."""
        return {loss: len(known.names) for loss, known in self.embedding.items() if loss in CENTRED}

    def head_specs(self) -> tuple[HeadSpec, ...]:
        """Return the heads with their labels."""
        return tuple(
            HeadSpec(
                name=head,
                kind="softmax" if self._head_kinds[head] == "softmax" else "multi_label_softmax",
                labels=known.names,
            )
            for head, known in self.heads.items()
        )

    def is_label(self, known: Known, crop_indices: Sequence[int | None], device: torch.device) -> Tensor:
        """BOOL [N, names]: which of the names hold for each of N crops; None is a crop of which nothing is known."""
        table = torch.zeros(len(crop_indices), len(known.names), dtype=torch.bool)
        for row, index in enumerate(crop_indices):
            if index is not None:
                table[row, list(known.of_crop[index])] = True
        return table.to(device)

    def ids(self, known: Known, crop_indices: Sequence[int | None], device: torch.device) -> Tensor:
        """INT64 [N]: the one name that holds for each of N crops; -1 where none does."""
        of_crops = [() if index is None else known.of_crop[index] for index in crop_indices]
        return torch.tensor([names[0] if names else -1 for names in of_crops], dtype=torch.int64, device=device)


def _identities(loss: str, data: TrainingData) -> Known:
    says = [
        identities(crop, options.identity) if loss in options.losses else ()
        for crop, options in zip(data.crops, data.options, strict=True)
    ]
    if loss != "multi_label_arcface":
        _require_one(says, data, f"the loss {loss}", "take multi_label_arcface, or another identity")
    return _known(says)


def _labels(head: str, kind: str, data: TrainingData) -> Known:
    says = [
        crop.labels.get(options.heads[head], ()) if head in options.heads else ()
        for crop, options in zip(data.crops, data.options, strict=True)
    ]
    if not any(says):
        raise DataError(f"heads: no crop has a label for {head}: name a kind of label that its sets have")
    if kind == "softmax":
        _require_one(says, data, f"the softmax head {head}", "make it multi_label_softmax")
    return _known(says)


def _require_one(says: Sequence[tuple[str, ...]], data: TrainingData, what: str, instead: str) -> None:
    for crop, names in zip(data.crops, says, strict=True):
        if len(set(names)) > 1:
            raise DataError(f"{crop.path} has {len(names)} labels ({', '.join(names)}), {what} takes one: {instead}")


def _known(says: Sequence[tuple[str, ...]]) -> Known:
    names = tuple(sorted({name for of_crop in says for name in of_crop}))
    index = {name: k for k, name in enumerate(names)}
    return Known(names, [tuple(sorted({index[name] for name in of_crop})) for of_crop in says])


def _most_frequent(known: Known, count: int) -> Known:
    """Only the classes with the most crops; of equals the first by name."""
    crops_of = Counter(index for of_crop in known.of_crop for index in of_crop)
    kept = sorted(sorted(crops_of, key=lambda index: (-crops_of[index], index))[:count])
    new_index = {index: k for k, index in enumerate(kept)}
    return Known(
        tuple(known.names[index] for index in kept),
        [tuple(new_index[index] for index in of_crop if index in new_index) for of_crop in known.of_crop],
    )
