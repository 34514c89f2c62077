"""Two sides of embedders over all seeds as one measurement."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from training.scorecard.embedder_arm import EmbedderArm
from training.scorecard.job import Job
from training.scorecard.paired_bootstrap import paired_difference
from training.scorecard.query_precision import QueryPrecision, mean_precision
from training.scorecard.relation_result import Measurement, measurement_of

Judged = Mapping[str, QueryPrecision]
"""By val set."""

UNIT = " P@1"


def jobs_of_embedders(arms: Sequence[EmbedderArm]) -> list[Job]:
    """Return what must be run for some arms; what they share is listed once."""
    jobs = [job for arm in arms for job in (*arm.feature_jobs(), arm.job())]
    return list({job.name: job for job in jobs}.values())


def precision_of(result: Mapping[str, Any], side: str = "float") -> dict[str, QueryPrecision]:
    """Return what a training's result says of each val set.

    Args:
        result: of `train_embedder_arm` or of `train_whole_trunk`.
        side: `float` or `binary`.
    """
    return {
        name: QueryPrecision(np.array(values[side], np.float64)) for name, values in result["precision_at_1"].items()
    }


def compare_embedders(
    better: Sequence[Judged],
    other: Sequence[Judged],
    sets: Sequence[str],
    *,
    draws: int,
    what: str,
    names: tuple[str, str],
    threshold: float = 0.0,
    is_decisive: bool = True,
) -> Measurement:
    """Compare precision at 1, the mean over some sets, query by query.

    Args:
        better: per seed, the side that the paper calls better.
        other: per seed, the other side.
        sets: that count.
        draws: of the bootstrap over queries and seeds.
        what: the figure is.
        names: of the two sides.
        threshold: what the difference must exceed.
        is_decisive: whether the verdict depends on it.
    """
    kept = [[{name: judged[name] for name in sets} for judged in side] for side in (better, other)]
    measurement = measurement_of(
        paired_difference(kept[0], kept[1], mean_precision(sets), draws=draws),
        what=what,
        better=names[0],
        other=names[1],
        threshold=threshold,
        is_decisive=is_decisive,
    )
    return replace(measurement, unit=UNIT)


def measure_sets(
    better: Sequence[Judged],
    other: Sequence[Judged],
    sets: Sequence[str],
    *,
    draws: int,
    names: tuple[str, str],
    threshold: float = 0.0,
    beside: Sequence[str] = (),
) -> tuple[Measurement, ...]:
    """Compare the mean of the sets, which decides, and each set and what else was judged beside it."""
    mean = compare_embedders(
        better,
        other,
        sets,
        draws=draws,
        what=f"mean of {len(sets)} val sets",
        names=names,
        threshold=threshold,
    )
    each = [
        compare_embedders(
            better, other, (name,), draws=draws, what=name, names=names, threshold=threshold, is_decisive=False
        )
        for name in (*sets, *beside)
    ]
    return (mean, *each)
