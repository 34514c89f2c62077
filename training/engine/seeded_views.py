"""Photos whose random views depend on the seed, the epoch and the photo: not on who loads them, nor after what."""

from typing import Any, Protocol

import torch
from torch.utils.data import Dataset

from training.engine.run_batches import View
from training.engine.seeds import derived_seed


class Photos(Protocol):
    """What draws a random view of a photo from torch's generator."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any: ...


class SeededViews(Dataset[tuple[View, Any]]):
    """Draws every view from a generator seeded for it alone."""

    def __init__(self, photos: Photos, *, seed: int) -> None:
        self._photos = photos
        self._seed = seed

    def __getitem__(self, view: View) -> tuple[View, Any]:
        """Return the view asked for beside the sample."""
        if hasattr(self._photos, "epoch"):  # features are kept for some views of a photo, taken in turn
            self._photos.epoch = view.epoch
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed("view", self._seed, view.epoch, view.index, view.showing))
            return view, self._photos[view.index]
