"""Load profiles as data: how the rate moves over a run, and which part of it is judged.

A profile multiplies the rate that `--rate` gives and stretches over the time that `--duration` gives. The open loop and
the Locust shapes read the same table. Nothing here imports more than the standard library.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ArrivalKind = Literal["poisson", "camera"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of a profile in which the rate moves along a straight line.

    Attributes:
        share: its part of the duration, 0 to 1; those of a profile add up to 1.
        start: what multiplies the rate at its beginning.
        end: the same at its end.
        is_judged: whether its requests count for the verdict.
    """

    share: float
    start: float
    end: float
    is_judged: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How load arrives.

    Attributes:
        description: what it is for, in one line.
        segments: in the order of time.
        arrivals: `poisson` for many people who know nothing of each other, `camera` for devices with a frame rate.
        duration_s: length where nobody says otherwise.
        frame_rate_hz: of one camera; the rate divided by it is the number of cameras.
        jitter_share: a frame comes up to this part of the frame interval early or late.
    """

    description: str
    segments: tuple[Segment, ...]
    arrivals: ArrivalKind = "poisson"
    duration_s: float = 60.0
    frame_rate_hz: float = 5.0
    jitter_share: float = 0.1

    @property
    def peak(self) -> float:
        """The largest multiplier."""
        return max(max(segment.start, segment.end) for segment in self.segments)


def constant(share: float, multiplier: float, *, is_judged: bool = True) -> Segment:
    """Return a segment with one rate."""
    return Segment(share=share, start=multiplier, end=multiplier, is_judged=is_judged)


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "steady": Profile(
            description="the rate, from beginning to end: what an SLA is judged with",
            segments=(constant(1.0, 1.0),),
        ),
        "ramp": Profile(
            description="from a tenth of the rate up to it, then there: does an autoscaler follow in time?",
            segments=(Segment(share=0.7, start=0.1, end=1.0), constant(0.3, 1.0)),
        ),
        "spike": Profile(
            description="three times the rate for a tenth of the time, at once and without notice",
            segments=(constant(0.45, 1.0), constant(0.1, 3.0), constant(0.45, 1.0)),
        ),
        "soak": Profile(
            description="the rate for an hour: leaks, throttling, whatever comes slowly",
            segments=(constant(1.0, 1.0),),
            duration_s=3600.0,
        ),
        # Rejections during the overload are the server's duty and its backlog is nobody's surprise: what is judged is
        # the service before, and after it has had a while to recover.
        "overload": Profile(
            description="four times the rate for a while, which is not judged; then it must hold the SLA again",
            segments=(
                constant(0.3, 1.0),
                constant(0.2, 4.0, is_judged=False),
                constant(0.15, 1.0, is_judged=False),
                constant(0.35, 1.0),
            ),
        ),
        "camera": Profile(
            description="cameras that send frames at a fixed rate, each with a phase of its own and some jitter",
            segments=(constant(1.0, 1.0),),
            arrivals="camera",
        ),
    }
)


def points(profile: Profile, *, rate_per_s: float, duration_s: float) -> Iterator[tuple[float, float, float, bool]]:
    """Yield (seconds, rate at the start, rate at the end, is_judged) of each segment, in requests per second."""
    for segment in profile.segments:
        yield segment.share * duration_s, segment.start * rate_per_s, segment.end * rate_per_s, segment.is_judged
