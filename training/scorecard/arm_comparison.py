"""Two arms over all seeds as one measurement."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.scorecard.arm import Arm, truth_job
from training.scorecard.job import Job
from training.scorecard.paired_bootstrap import PairedDifference, Score, WeightsPerSet, paired_difference
from training.scorecard.photo_matches import Floats, PhotoMatches, match_photos

Results = Mapping[str, Any]


def jobs_of(arms: Sequence[Arm]) -> list[Job]:
    """Return what must be run for some arms; what they share is listed once."""
    jobs = [job for arm in arms for job in (*arm.feature_jobs(), arm.job())]
    return list({job.name: job for job in jobs}.values())


def matches_of(arm: Arm, results: Results) -> dict[str, PhotoMatches]:
    """Return the matches of an arm's detections on each of its val sets."""
    detections = results[arm.job().name]["detections"]
    return {name: match_photos(results[truth_job(name)], detections[name]) for name in arm.val_sets}


def compare(
    better: Sequence[Mapping[str, PhotoMatches]],
    other: Sequence[Mapping[str, PhotoMatches]],
    score: Score,
    *,
    draws: int,
) -> PairedDifference:
    """Return the paired difference over the val sets that both sides were judged on."""
    shared = [name for name in better[0] if name in other[0]]
    return paired_difference(
        [{name: matches[name] for name in shared} for matches in better],
        [{name: matches[name] for name in shared} for matches in other],
        score,
        draws=draws,
    )


def mean_over_sets(sets: Sequence[str], *, is_weighted: bool = False) -> Score:
    """Return the mean of AP50 (or wAP50) over some val sets, as the paper's table 2 averages its four."""

    def score(matches: Mapping[str, PhotoMatches], weights: WeightsPerSet) -> Floats:
        per_set = [matches[name].AP50(weights[name], is_weighted=is_weighted) for name in sets]
        mean: Floats = np.mean(per_set, axis=0)
        return mean

    return score
