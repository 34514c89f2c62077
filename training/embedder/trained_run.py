"""A trained embedder with what it was trained on and what it has not seen: for all that is done after training."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from training.embedder.data import LabelledCrop, crop_pixels, read_whole_crop_set
from training.embedder.embedder import Embedder, HeadSpec
from training.embedder.engine.load_embedder import load_embedder
from training.embedder.engine.recipe import EmbedderRecipe
from training.embedder.engine.run_labels import RunLabels
from training.embedder.engine.training_data import read_training_data
from training.embedder.errors import EmbedderError
from training.embedder.hashing.hasher import weights_sha256

Floats = npt.NDArray[np.float32]

BATCH = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class CropAnswers:
    """What an embedder says of N crops."""

    embeddings: Floats
    """[N, D], unit length"""
    probabilities: Mapping[str, Floats]
    """[N, k] of each head: the softmax of its logits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedRun:
    """A run's folder, opened."""

    folder: Path
    recipe: EmbedderRecipe
    embedder: Embedder
    heads: tuple[HeadSpec, ...]
    embedder_sha256: str
    """`weights_sha256` of the embedder."""

    @classmethod
    def open(cls, folder: Path) -> "TrainedRun":
        """Open a run.

        Raises:
            EmbedderError: the folder holds no trained embedder.
        """
        embedder = load_embedder(folder)
        return cls(
            folder=folder,
            recipe=EmbedderRecipe.load(folder / "recipe.yaml"),
            embedder=embedder,
            heads=RunLabels.read(folder).heads,
            embedder_sha256=weights_sha256(embedder),
        )

    def training_crops(self) -> list[LabelledCrop]:
        """Return the crops that it was trained on."""
        return list(read_training_data(self.recipe).crops)

    def held_out_crops(self, sets: Sequence[str] = ()) -> list[LabelledCrop]:
        """Return the crops of `val` splits, which it has not seen.

        Args:
            sets: to take instead of the recipe's own, whose train splits it was trained on.

        Raises:
            EmbedderError: there is none.
        """
        own = self.recipe.set_options()
        names = sets or [name for name, options in own.items() if options.split == "train"]
        # A set that is named here may have been trained on as a whole.
        seen = {c.path for n, options in own.items() for c in read_whole_crop_set(n, options.split).crops}
        crops = [c for name in names for c in read_whole_crop_set(name, "val").crops if c.path not in seen]
        if not crops:
            raise EmbedderError(
                f"{self.folder}: nothing is held out in {', '.join(names) or 'its sets'}: name a set with a val split "
                "by --sets"
            )
        return crops

    def labels_of(self, head: HeadSpec, crops: Sequence[LabelledCrop]) -> list[tuple[str, ...]]:
        """Return for each crop the labels of the head that are known to hold; none where nothing is known."""
        kind_per_set = self.kind_per_set()
        found = []
        for crop in crops:
            kind = kind_per_set.get(crop.data_set, {}).get(head.name, head.name)
            found.append(tuple(label for label in crop.labels.get(kind, ()) if label in head.labels))
        return found

    def ask(
        self,
        crops: Sequence[LabelledCrop],
        *,
        shown: Callable[[Iterable[int]], Iterable[int]] = lambda starts: starts,
    ) -> CropAnswers:
        """Ask the embedder about crops, one batch after the other.

        Args:
            crops: one or more, all of them readable.
            shown: wraps the batches, for a progress bar.

        Raises:
            EmbedderError: there is no crop.
            OSError: a file cannot be read.
        """
        if not crops:
            raise EmbedderError("there is no crop to embed: name a set and a split that has some")
        embeddings: list[Floats] = []
        probabilities: dict[str, list[Floats]] = {head.name: [] for head in self.heads}
        for start in shown(range(0, len(crops), BATCH)):
            images = [crop.open() for crop in crops[start : start + BATCH]]
            pixels = torch.stack([crop_pixels(image, self.recipe.crop_px) for image in images])
            with torch.inference_mode():
                outputs = self.embedder(pixels)
            embeddings.append(outputs.embeddings.numpy())
            for head, logits in outputs.logits.items():
                probabilities[head].append(logits.softmax(dim=1).numpy())
        return CropAnswers(
            embeddings=np.concatenate(embeddings),
            probabilities={head: np.concatenate(parts) for head, parts in probabilities.items()},
        )

    def kind_per_set(self) -> dict[str, dict[str, str]]:
        """Return which kind of label each head learns from each set, by the name of the set's folder."""
        return {_folder_name(name): dict(options.heads) for name, options in self.recipe.set_options().items()}


def _folder_name(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]
