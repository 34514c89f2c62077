"""How sure is a difference of two models? Draw the val photos and the seeds again, many times, for both alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from training.scorecard.photo_matches import Floats, PhotoMatches

WeightsPerSet = Mapping[str, Floats]
"""Of every val set FP64 [R, P], how often each of its photos was drawn."""
Score = Callable[[Mapping[str, PhotoMatches], WeightsPerSet], Floats]
"""From one detector's matches on every val set, and R draws of the photos, to its figure [R]."""


class JudgedPhotos(Protocol):
    """What a model did on the photos of one val set, or on its queries."""

    @property
    def num_photos(self) -> int:
        """How many there are."""


Judged = TypeVar("Judged", bound=JudgedPhotos)

INTERVAL_PERCENT = (2.5, 97.5)
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Two sides over S seeds."""

    better_per_seed: tuple[float, ...]
    """Figures of the side that the paper calls better."""
    other_per_seed: tuple[float, ...]
    interval: tuple[float, float]
    """95 % of the mean difference."""

    @property
    def differences_per_seed(self) -> tuple[float, ...]:
        """Better minus other, at each seed."""
        return tuple(b - o for b, o in zip(self.better_per_seed, self.other_per_seed, strict=True))


def paired_difference(
    better: Sequence[Mapping[str, Judged]],
    other: Sequence[Mapping[str, Judged]],
    score: Callable[[Mapping[str, Judged], WeightsPerSet], Floats],
    *,
    draws: int = DRAWS,
    random_seed: int = 0,
) -> PairedDifference:
    """Compare two sides on the same photos.

    A draw takes, of every val set, as many photos as it has, with replacement, the same ones for both sides and all
    seeds; and as many seeds as there are, with replacement; its value is the mean difference over the drawn seeds.

    Args:
        better: per seed, the matches on every val set, of the side that the paper calls better.
        other: the same of the other side, same seeds in the same order.
        score: the figure that is compared.
        draws: R.
        random_seed: of the draws.
    """
    if len(better) != len(other) or not better:
        raise ValueError(f"both sides must have the same seeds, at least one; got {len(better)} and {len(other)}")
    generator = np.random.default_rng(random_seed)
    sizes = {name: matches.num_photos for name, matches in better[0].items()}
    once = {name: np.ones((1, size)) for name, size in sizes.items()}
    drawn = {
        name: generator.multinomial(size, np.full(size, 1 / size), size=draws).astype(np.float64)
        for name, size in sizes.items()
    }
    differences = np.stack([score(b, drawn) - score(o, drawn) for b, o in zip(better, other, strict=True)])  # (S, R)
    seeds = generator.integers(len(better), size=(len(better), draws))
    means = np.take_along_axis(differences, seeds, axis=0).mean(axis=0)
    low, high = np.nanpercentile(means, INTERVAL_PERCENT)
    return PairedDifference(
        tuple(float(score(matches, once)[0]) for matches in better),
        tuple(float(score(matches, once)[0]) for matches in other),
        (float(low), float(high)),
    )
