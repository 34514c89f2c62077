"""Precision at 1 over queries, for any weighting of them, as a bootstrap needs it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.scorecard.paired_bootstrap import WeightsPerSet
from training.scorecard.photo_matches import Floats


@dataclass(frozen=True, slots=True)
class QueryPrecision:
    """One model on one set."""

    precision_per_query: Floats
    """[Q]: the chance that the nearest item is right; 0 or 1 where nothing is equally far."""

    @property
    def num_photos(self) -> int:
        """Queries, each with a photo of its own or a box of one."""
        return len(self.precision_per_query)

    def precision_at_1(self, weights: Floats) -> Floats:
        """Return the weighted mean for R weightings of the queries, [R]; NaN where none counts.

        Args:
            weights: FP64 [R, Q], how often each query counts.
        """
        with np.errstate(invalid="ignore"):
            mean: Floats = weights @ self.precision_per_query / weights.sum(axis=1)
        return mean


Score = Callable[[Mapping[str, QueryPrecision], WeightsPerSet], Floats]


def mean_precision(sets: Sequence[str]) -> Score:
    """Return the mean of precision at 1 over some sets, each counting equally."""

    def score(judged: Mapping[str, QueryPrecision], weights: WeightsPerSet) -> Floats:
        mean: Floats = np.mean([judged[name].precision_at_1(weights[name]) for name in sets], axis=0)
        return mean

    return score
