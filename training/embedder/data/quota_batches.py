"""Batches of a fixed number of crops from each set, so that no set drowns another (GrokNet, figure 6, section 5.3)."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from training.engine.seeds import derived_seed

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """What every batch shows of one set."""

    data_set: str
    crops_per_batch: int
    crops_of_product: Mapping[str, Sequence[int]]
    """Indices of crops by what they are taken to be equal in. With `images_per_product` 0 their names mean nothing."""
    images_per_product: int = 0
    """K: so many crops of a product stand in a batch together, so that there are pairs, and products are shown equally
    often, however many crops they have. 0 shows crops equally often."""

    @property
    def num_crops(self) -> int:
        """Crops of the set."""
        return sum(map(len, self.crops_of_product.values()))


class QuotaBatches:
    """An epoch's batches, drawn from (seed, epoch) alone."""

    def __init__(self, quotas: Sequence[Quota], *, seed: int, steps_per_epoch: int = 0) -> None:
        """Prepare.

        Args:
            quotas: of each set that has crops; a batch shows the sets in this order.
            seed: of the run.
            steps_per_epoch: 0 is as many as it takes to show every crop of every set about once.
        """
        self._quotas = quotas
        self._seed = seed
        self._steps = steps_per_epoch or max((-(-q.num_crops // q.crops_per_batch) for q in quotas), default=0)
        self.epoch = 0

    def __len__(self) -> int:
        return self._steps

    def __iter__(self) -> Iterator[list[int]]:
        per_set = [(self._crops(quota, self.epoch), quota.crops_per_batch) for quota in self._quotas]
        for _ in range(self._steps):
            yield [index for crops, count in per_set for index in itertools.islice(crops, count)]

    def _crops(self, quota: Quota, epoch: int) -> Iterator[int]:
        """A set's crops of an epoch, without end; no crop comes again before all others of its product did."""
        of_product = {name: list(crops) for name, crops in quota.crops_of_product.items()}
        if not quota.images_per_product:
            yield from self._shuffled(sorted(itertools.chain(*of_product.values())), "crops", quota.data_set, epoch)
        crops_of = {
            name: self._shuffled(crops, f"crops of {name}", quota.data_set, epoch) for name, crops in of_product.items()
        }
        places = quota.crops_per_batch
        for name in self._shuffled(sorted(of_product), "products", quota.data_set, epoch):
            # The last product of a batch has what is left of the quota, so that no product is cut by the batch's end.
            taken = min(quota.images_per_product, places)
            yield from itertools.islice(crops_of[name], taken)
            places = places - taken or quota.crops_per_batch

    def _shuffled(self, things: Sequence[T], what: str, data_set: str, epoch: int) -> Iterator[T]:
        """All of them in random order, then all of them in another, without end."""
        for turn in itertools.count():
            generator = torch.Generator().manual_seed(derived_seed(what, self._seed, data_set, epoch, turn))
            yield from (things[k] for k in torch.randperm(len(things), generator=generator).tolist())
