"""What was found of a relation."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

from training.scorecard.claim import Claim
from training.scorecard.paired_bootstrap import PairedDifference
from training.scorecard.verdict import Decision, Verdict, decide, decide_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Two sides compared in one figure, over the seeds."""

    what: str
    """"wAP50, mean of four val sets"."""
    better: str
    """The side that the paper says is better."""
    other: str
    better_per_seed: tuple[float, ...]
    other_per_seed: tuple[float, ...]
    interval: tuple[float, float]
    """95 % interval of the mean difference."""
    decision: Decision
    is_lower_better: bool = False
    """Of times: then a difference is other minus better, so that the paper's side winning is always positive."""
    unit: str = ""
    """Of the figures; AP needs none."""
    is_decisive: bool = True
    """Whether the relation's verdict depends on it; otherwise it stands beside."""
    digits: int = 3

    @property
    def differences_per_seed(self) -> tuple[float, ...]:
        """By how much the paper's side wins, at each seed."""
        sign = -1 if self.is_lower_better else 1
        return tuple(sign * (b - o) for b, o in zip(self.better_per_seed, self.other_per_seed, strict=True))

    @property
    def mean_difference(self) -> float:
        """Over the seeds."""
        return fmean(self.differences_per_seed)

    @property
    def spread(self) -> float | None:
        """Standard deviation of the difference over the seeds; None for a single one."""
        differences = self.differences_per_seed
        return stdev(differences) if len(differences) > 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a relation's results say."""

    measurements: tuple[Measurement, ...]
    reason: str = ""
    """Why it comes out as it does where that is not evident from the figures, or what to keep in mind."""
    details: Mapping[str, Any] | None = None
    """Further figures for plots and readers."""

    @property
    def verdict(self) -> Verdict:
        """Of the decisive measurements together."""
        return decide_all([m.decision for m in self.measurements if m.is_decisive])


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationResult:
    """One row of the scorecard."""

    name: str
    claim: Claim
    setting: str
    verdict: Verdict
    seeds: tuple[int, ...]
    reason: str
    measurements: tuple[Measurement, ...] = ()
    details: Mapping[str, Any] | None = None
    seconds: float = 0.0
    """Of its jobs, on one core each; jobs shared with other relations count in each."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with what is derived from them."""
        values = asdict(self)
        for measurement, plain in zip(self.measurements, values["measurements"], strict=True):
            plain["mean_difference"], plain["spread"] = measurement.mean_difference, measurement.spread
        return values


def measurement_of(
    difference: PairedDifference,
    *,
    what: str,
    better: str,
    other: str,
    threshold: float = 0.0,
    seeds_needed: int = 2,
    is_decisive: bool = True,
) -> Measurement:
    """Make a measurement from a paired bootstrap, with the rule of `verdict.py`."""
    return Measurement(
        what=what,
        better=better,
        other=other,
        better_per_seed=difference.better_per_seed,
        other_per_seed=difference.other_per_seed,
        interval=difference.interval,
        decision=decide(
            difference.differences_per_seed, difference.interval, threshold=threshold, seeds_needed=seeds_needed
        ),
        is_decisive=is_decisive,
    )


def reasons_of(measurements: Sequence[Measurement]) -> str:
    """Return the decision rule's words for each decisive measurement."""
    return "; ".join(f"{m.what}: {m.decision.reason}" for m in measurements if m.is_decisive)
