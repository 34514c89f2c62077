"""When requests are due: seeded arrival times for a rate that moves, exact and without a loop over requests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtest.errors import UsageError
from loadtest.profiles import Profile, points

Seconds = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLine:
    """A stretch of time in which the rate moves along a straight line.

    Attributes:
        duration_s: its length.
        start_per_s: requests per second at its beginning.
        end_per_s: the same at its end.
        is_judged: whether its requests count for the verdict.
    """

    duration_s: float
    start_per_s: float
    end_per_s: float
    is_judged: bool = True

    @property
    def expected_count(self) -> float:
        """How many requests it has on average."""
        return self.duration_s * (self.start_per_s + self.end_per_s) / 2


def rate_lines(profile: Profile, *, rate_per_s: float, duration_s: float) -> tuple[RateLine, ...]:
    """Return a profile at a rate and a length."""
    return tuple(
        RateLine(duration_s=seconds, start_per_s=start, end_per_s=end, is_judged=is_judged)
        for seconds, start, end, is_judged in points(profile, rate_per_s=rate_per_s, duration_s=duration_s)
    )


def poisson_arrivals(lines: tuple[RateLine, ...], rng: np.random.Generator) -> Seconds:
    """Draw a Poisson process whose rate follows the lines.

    A process of rate 1 is drawn in operational time and mapped back through the inverse of the cumulative rate
    (time change theorem; Çinlar, Introduction to Stochastic Processes, 4.7), which is exact for every rate.

    Returns:
        Arrival times in seconds from the start of the first line, ascending; below the sum of the durations.
    """
    counts = np.array([line.expected_count for line in lines])
    total = float(counts.sum())
    size = int(total + 10 * np.sqrt(total) + 20)
    unit = np.cumsum(rng.exponential(size=size))
    while unit[-1] < total:  # practically never
        unit = np.concatenate([unit, unit[-1] + np.cumsum(rng.exponential(size=size))])
    unit = unit[unit < total]
    starts = np.concatenate([[0.0], np.cumsum(counts)])
    # The last line where the arrival lies; side "right" skips lines of rate 0, which have no operational time.
    line_of = np.minimum(np.searchsorted(starts, unit, side="right") - 1, len(lines) - 1)
    times: Seconds = _line_starts(lines)[line_of] + _invert(unit - starts[line_of], lines, line_of)
    return times


def _invert(count: Seconds, lines: tuple[RateLine, ...], line_of: NDArray[np.intp]) -> Seconds:
    """Solve start*x + slope*x**2/2 = count for x, in the form that is stable for slopes near 0."""
    start = np.array([line.start_per_s for line in lines])[line_of]
    slope = np.array([(line.end_per_s - line.start_per_s) / line.duration_s for line in lines])[line_of]
    root = np.sqrt(np.maximum(start * start + 2 * slope * count, 0.0))
    duration = np.array([line.duration_s for line in lines])[line_of]
    return np.minimum(2 * count / (start + root), np.nextafter(duration, 0))


def _line_starts(lines: tuple[RateLine, ...]) -> Seconds:
    return np.concatenate([[0.0], np.cumsum([line.duration_s for line in lines])[:-1]])


def camera_arrivals(
    lines: tuple[RateLine, ...], rng: np.random.Generator, *, frame_rate_hz: float, jitter_share: float
) -> Seconds:
    """Draw the frames of as many cameras as the rate takes, each with a random phase.

    Jitter moves single frames, not the clock behind them: a camera never drifts. Fewer requests per second than one
    camera sends become one slower camera.

    Args:
        lines: the rate; where it changes, cameras are switched on and off.
        rng: source of phases and jitter.
        frame_rate_hz: of one camera.
        jitter_share: frames come uniformly up to this part of the frame interval early or late.

    Returns:
        Arrival times in seconds from the start of the first line, ascending.
    """
    if any(line.start_per_s != line.end_per_s for line in lines):
        raise UsageError("Cameras have a fixed frame rate: their profile must consist of constant segments.")
    of_lines = [np.empty(0)]
    for line, start_s in zip(lines, _line_starts(lines), strict=True):
        cameras = max(1, round(line.start_per_s / frame_rate_hz))
        interval_s = cameras / line.start_per_s
        frames = int(np.ceil(line.duration_s / interval_s)) + 1
        phase_s = rng.uniform(0, interval_s, size=(cameras, 1))
        jitter_s = rng.uniform(-jitter_share, jitter_share, size=(cameras, frames)) * interval_s
        times = (phase_s + np.arange(frames) * interval_s + jitter_s).ravel()
        of_lines.append(start_s + times[(times >= 0) & (times < line.duration_s)])
    return np.sort(np.concatenate(of_lines))


def draw_arrivals(profile: Profile, lines: tuple[RateLine, ...], *, seed: int) -> Seconds:
    """Return the arrival times of a profile; the same for the same seed."""
    rng = np.random.default_rng([seed, 1])
    if profile.arrivals == "camera":
        return camera_arrivals(lines, rng, frame_rate_hz=profile.frame_rate_hz, jitter_share=profile.jitter_share)
    return poisson_arrivals(lines, rng)
