"""From options to requests: when each is due, what it sends, and which of them are judged."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from loadtest.arrivals import RateLine, draw_arrivals, rate_lines
from loadtest.evidence import Span
from loadtest.load_options import MOST_CONNECTIONS, MOST_IN_FLIGHT, LoadOptions
from loadtest.open_loop.load import Load
from loadtest.payloads import Photo, draw_photos
from loadtest.profiles import PROFILES


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLoad:
    """A load and how to read it.

    Attributes:
        load: what to send when.
        spans: what is judged.
        window_s: start and end of the profile, between warm-up and cool-down.
        duration_s: length of the profile.
        rate_per_s: the rate that it multiplies.
        profile: its name.
    """

    load: Load
    spans: tuple[Span, ...]
    window_s: tuple[float, float]
    duration_s: float
    rate_per_s: float
    profile: str


def plan_load(
    options: LoadOptions, photos: tuple[Photo, ...], *, rate_per_s: float, duration_s: float, seed: int
) -> PlannedLoad:
    """Draw a load; warm-up and cool-down go on with the first and the last rate of the profile."""
    profile = PROFILES[options.profile]
    of_profile = rate_lines(profile, rate_per_s=rate_per_s, duration_s=duration_s)
    lines = (
        *_constant(options.warmup_s, of_profile[0].start_per_s),
        *of_profile,
        *_constant(options.cooldown_s, of_profile[-1].end_per_s),
    )
    scheduled_s = draw_arrivals(profile, lines, seed=seed)
    draw = draw_photos(
        photo_count=len(photos), request_count=len(scheduled_s), duplicate_rate=options.duplicate_rate, seed=seed
    )
    peak_per_s = profile.peak * rate_per_s
    load = Load(
        address=options.address,
        photos=photos,
        scheduled_s=scheduled_s,
        photo_of=draw.photos,
        stamp_of=draw.stamps,
        salt=os.urandom(8),
        timeout_s=options.timeout_s,
        max_in_flight=options.max_in_flight
        # Twice what can pile up before it times out: never the limit, unless the descriptors are.
        or min(MOST_IN_FLIGHT, 64 + math.ceil(2 * peak_per_s * options.timeout_s)),
        connections=options.connections or min(MOST_CONNECTIONS, max(8, math.ceil(peak_per_s / 10))),
    )
    start_s = options.warmup_s
    spans = []
    for line in of_profile:
        if line.is_judged:
            spans.append(Span(start_s=start_s, end_s=start_s + line.duration_s))
        start_s += line.duration_s
    return PlannedLoad(
        load=load,
        spans=tuple(spans),
        window_s=(options.warmup_s, start_s),
        duration_s=duration_s,
        rate_per_s=rate_per_s,
        profile=options.profile,
    )


def _constant(duration_s: float, rate_per_s: float) -> tuple[RateLine, ...]:
    if duration_s <= 0:
        return ()
    return (RateLine(duration_s=duration_s, start_per_s=rate_per_s, end_per_s=rate_per_s, is_judged=False),)
