"""A relation of a paper: what it claims, what must be run to see it here, and how the results are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.scorecard.claim import Claim
from training.scorecard.job import Job
from training.scorecard.plan import Plan
from training.scorecard.relation_result import Findings

Results = Mapping[str, Any]
"""Values of the jobs, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One row of the scorecard, as data."""

    name: str
    """As typed behind `--only`."""
    claim: Claim
    setting: str
    """How it is rerun here, in a sentence or two: what is smaller than in the paper."""
    jobs: Callable[[Plan], Sequence[Job]]
    conclude: Callable[[Plan, Results], Findings]
    """Read the results, all of which are there."""
    is_seeded: bool = True
    """Whether seeds make a difference; where nothing is drawn or trained they do not."""
