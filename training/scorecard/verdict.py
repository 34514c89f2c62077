"""The decision rule, fixed before anything is measured.

A relation says that a difference is larger than a threshold (0 unless the relation says otherwise). It is measured at
every seed on the same val photos for both sides. With D the mean over the seeds and I its 95 % interval, which covers
the draw of the val photos and of the seeds together (`paired_bootstrap.py`):

- *holds* if I lies above the threshold and every single seed's difference does too;
- *does not hold* if I lies at or below the threshold and every single seed's difference does too;
- *undecided* otherwise; and always from fewer than two seeds, where both sides are trained: the noise between two
  trainings cannot be seen in one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What the scorecard says of a relation."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    UNDECIDED = "undecided"
    FAILED = "failed"
    STOPPED = "not measured"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its reason in a sentence."""

    verdict: Verdict
    reason: str


def decide(
    differences_per_seed: Sequence[float],
    interval: tuple[float, float],
    *,
    threshold: float = 0.0,
    seeds_needed: int = 2,
    digits: int = 3,
) -> Decision:
    """Apply the rule above.

    Args:
        differences_per_seed: the side that the paper calls better minus the other one, at each seed.
        interval: 95 % interval of their mean.
        threshold: what the difference must exceed.
        seeds_needed: fewer seeds than this decide nothing; 1 where nothing random was trained.
        digits: of the numbers in the reason.
    """
    low, high = interval
    seen = f"95 % interval {low:+.{digits}f} to {high:+.{digits}f}"
    limit = "0" if threshold == 0 else f"{threshold:+.{digits}f}"
    above = sum(difference > threshold for difference in differences_per_seed)
    count = len(differences_per_seed)
    if count < seeds_needed:
        return Decision(
            Verdict.UNDECIDED,
            f"{count} seed, where at least {seeds_needed} are needed to see the noise of training; {seen}",
        )
    if low > threshold and above == count:
        also = ", and so does every seed" if count > 1 else ""
        return Decision(Verdict.HOLDS, f"{seen} lies above {limit}{also}")
    if high <= threshold and above == 0:
        also = ", nor does any seed" if count > 1 else ""
        return Decision(Verdict.DOES_NOT_HOLD, f"{seen} does not reach above {limit}{also}")
    if low > threshold or high <= threshold:
        return Decision(Verdict.UNDECIDED, f"{seen}, but {above} of {count} seeds lie above {limit}")
    return Decision(Verdict.UNDECIDED, f"{seen} contains {limit}: noise of this size would do as well")


def decide_all(decisions: Sequence[Decision]) -> Verdict:
    """Return what several decisive measurements say together: all hold, or one does not, or undecided."""
    verdicts = [decision.verdict for decision in decisions]
    if Verdict.DOES_NOT_HOLD in verdicts:
        return Verdict.DOES_NOT_HOLD
    if verdicts and all(verdict is Verdict.HOLDS for verdict in verdicts):
        return Verdict.HOLDS
    return Verdict.UNDECIDED
