"""The taxonomy as the constant arrays that an exported graph looks things up in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.taxonomy import Taxonomy


@dataclass(frozen=True)
class TaxonomyTables:
    """A row per category, children before their parents.

    Letters: C = categories, A = length of the longest chain.
    """

    id_of_row: NDArray[np.int32]
    """[C] the category's id. Rows are ordered deepest first, then by id."""

    row_of_id: NDArray[np.int64]
    """[largest id + 2] the category's row, -1 for an id without one; the last entry is for all larger ids."""

    chain_of_row: NDArray[np.int64]
    """[C, A] rows of the category itself and of each ancestor once, deepest first.

    Short chains are filled up with the category itself.
    """

    chain_is_filled: NDArray[np.float32]
    """[C, A] 1 where the chain has an entry, 0 where it is filled up."""

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> "TaxonomyTables":
        """Lay a taxonomy, which must have a category, out as arrays."""
        ids = taxonomy.specific_first_order
        row_of_id = np.full(max(ids) + 2, -1, dtype=np.int64)
        row_of_id[list(ids)] = np.arange(len(ids))

        chains = [[category_id, *taxonomy.ancestors(category_id)] for category_id in ids]
        longest = max(map(len, chains))
        chain_of_row = np.repeat(np.arange(len(ids), dtype=np.int64)[:, None], longest, axis=1)
        chain_is_filled = np.zeros((len(ids), longest), dtype=np.float32)
        for row, chain in enumerate(chains):
            chain_of_row[row, : len(chain)] = row_of_id[chain]
            chain_is_filled[row, : len(chain)] = 1.0
        return cls(np.array(ids, dtype=np.int32), row_of_id, chain_of_row, chain_is_filled)
