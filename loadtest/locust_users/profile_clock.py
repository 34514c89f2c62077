"""A load profile on the clock of a Locust test: how many users there should be, and what is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from loadtest.profiles import PROFILES, points

# (seconds, rate at the start, rate at the end) of a stretch -> what it adds
Weight = Callable[[float, float, float], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileClock:
    """A profile, or none: then the number of users is whatever was asked of Locust.

    Attributes:
        profile: its name; None for none.
        rate_per_s: base rate that the profile multiplies, in requests per second.
        duration_s: length of the profile.
        warmup_s: seconds before it, at its first rate, which are not judged.
        per_user_per_s: requests per second of one user; 0 for as many as it gets answers.
    """

    profile: str | None
    rate_per_s: float
    duration_s: float
    warmup_s: float
    per_user_per_s: float

    def rate_at(self, elapsed_s: float) -> float | None:
        """Return the requests per second that the profile wants; None when it is over."""
        assert self.profile is not None
        left_s = max(elapsed_s - self.warmup_s, 0.0)
        for seconds, start, end, _ in points(
            PROFILES[self.profile], rate_per_s=self.rate_per_s, duration_s=self.duration_s
        ):
            if left_s < seconds:
                return start + (end - start) * left_s / seconds
            left_s -= seconds
        return None

    def users_at(self, elapsed_s: float) -> int | None:
        """Return how many users make that rate; None when the profile is over."""
        rate_per_s = self.rate_at(elapsed_s)
        return None if rate_per_s is None else math.ceil(rate_per_s / self.per_user_per_s - 1e-9)

    def is_judged(self, elapsed_s: float) -> bool:
        """Return whether a request that begins then counts."""
        if elapsed_s < self.warmup_s:
            return False
        if self.profile is None:
            return True
        left_s = elapsed_s - self.warmup_s
        for seconds, _, _, is_judged in points(PROFILES[self.profile], rate_per_s=1, duration_s=self.duration_s):
            if left_s < seconds:
                return is_judged
            left_s -= seconds
        # Requests that users begin while they are being stopped.
        return False

    def judged_s(self, elapsed_s: float) -> float:
        """Return how much of the test up to then is judged, in seconds."""
        return self._over_judged(elapsed_s, weigh=lambda seconds, start, end: seconds)

    def asked_for(self, elapsed_s: float) -> float | None:
        """Return how many judged requests the profile wanted up to then; None without a profile."""
        if self.profile is None:
            return None
        return self._over_judged(elapsed_s, weigh=lambda seconds, start, end: seconds * (start + end) / 2)

    def _over_judged(self, elapsed_s: float, weigh: Weight) -> float:
        left_s = max(elapsed_s - self.warmup_s, 0.0)
        if self.profile is None:
            return left_s
        total = 0.0
        for seconds, start, end, is_judged in points(
            PROFILES[self.profile], rate_per_s=self.rate_per_s, duration_s=self.duration_s
        ):
            part = min(left_s, seconds)
            if is_judged:
                total += weigh(part, start, start + (end - start) * part / seconds)
            left_s -= part
        return total
