"""The search for the highest rate that passes, free of any load: doubling, then bisecting.

It assumes that a server which fails at one rate fails at every higher one. Noise breaks that now and then, so a step
that does not pass is made once more, and the second verdict counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

# What a step says: the rate holds; it does not; the server cannot be reached any more; the generator cannot make the
# rate; somebody wants to end.
StepOutcome = Literal["passed", "failed", "server_gone", "generator_limited", "interrupted"]
SearchEnd = Literal["found", "highest_passed", "none_passed", "server_gone", "generator_limited", "interrupted"]

# Called with a rate and the number of the attempt, 1 or 2.
TryRate = Callable[[float, int], StepOutcome]

_WORTH_A_REPEAT = ("failed", "generator_limited")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Where a search ended.

    Attributes:
        end: why.
        best_per_s: the highest rate that passed; None where none did.
        failed_per_s: the lowest rate that did not pass; None where all did.
    """

    end: SearchEnd
    best_per_s: float | None
    failed_per_s: float | None


def find_peak(
    try_rate: TryRate, *, start_per_s: float, lowest_per_s: float, highest_per_s: float, tolerance: float
) -> SearchResult:
    """Search.

    Args:
        try_rate: makes one step.
        start_per_s: the first rate; is doubled while steps pass, and halved while none has passed yet.
        lowest_per_s: no rate below this is tried.
        highest_per_s: no rate above this is tried.
        tolerance: the search ends when the lowest rate that failed is at most this share above the best one.
    """
    best: float | None = None
    failed: float | None = None
    rate = min(start_per_s, highest_per_s)
    while True:
        outcome = try_rate(rate, 1)
        if outcome in _WORTH_A_REPEAT:
            outcome = try_rate(rate, 2)
        if outcome in ("server_gone", "interrupted", "generator_limited"):
            # Which rates the server itself holds beyond this one, this generator cannot say.
            return SearchResult(end=outcome, best_per_s=best, failed_per_s=failed)
        if outcome == "passed":
            best = rate
        else:
            failed = rate
        if best is not None and failed is not None and failed <= best * (1 + tolerance):
            return SearchResult(end="found", best_per_s=best, failed_per_s=failed)
        if best is not None and best >= highest_per_s:
            return SearchResult(end="highest_passed", best_per_s=best, failed_per_s=failed)
        if best is None:
            assert failed is not None
            if failed <= lowest_per_s:
                return SearchResult(end="none_passed", best_per_s=None, failed_per_s=failed)
            rate = max(lowest_per_s, failed / 2)
        elif failed is None:
            rate = min(highest_per_s, 2 * best)
        else:
            # The geometric mean: the tolerance is a ratio, too.
            rate = math.sqrt(best * failed)
