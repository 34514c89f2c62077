"""The options that this package adds to Locust's own.

All values are plain numbers and strings, because a master sends them to its workers; `LocustSettings` reads them.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtest.errors import UsageError
from loadtest.locust_users.profile_clock import ProfileClock
from loadtest.profiles import PROFILES
from loadtest.quantities import positive_seconds, seconds, share, sla_target
from loadtest.results import Target

DEFAULT_TIMEOUT_S = 10.0
DEFAULT_WARMUP_S = 2.0


def add_options(parser: Any) -> None:
    """Add the options to Locust's parser; none of them is asked for in its web page."""

    def add(*names: str, **settings: Any) -> None:
        parser.add_argument(*names, include_in_web_ui=False, **settings)

    add("--photos", default="", metavar="DIR", help="JPEG, PNG and WebP files to send (generated ones)")
    add("--duplicate-rate", type=checked(share), default="0", metavar="D", help="share of requests that repeat bytes")
    add("--seed", type=int, default=0, help="of the photos and of who begins when")
    add("--model", default="detect", help="`visual_search`, or a model with the tensors of `detect`")
    add(
        "--timeout", type=checked(positive_seconds), default=str(DEFAULT_TIMEOUT_S), metavar="TIME", help="of a request"
    )
    add(
        "--sla",
        type=checked(sla_target),
        action="append",
        default=[],
        metavar="pN=TIME",
        help="e.g. p99=100ms; sets the exit code",
    )
    add("--max-error-rate", type=checked(share), default="0", metavar="E", help="share of requests that may fail")
    add("--load-profile", choices=["", *sorted(PROFILES)], default="", help="users follow this profile; needs --rate")
    add("--rate", type=float, default=0.0, metavar="R", help="requests per second that the profile multiplies")
    add(
        "--duration", type=checked(positive_seconds), default="", metavar="TIME", help="length of the profile (its own)"
    )
    add(
        "--warmup",
        type=checked(seconds),
        default=str(DEFAULT_WARMUP_S),
        metavar="TIME",
        help="load before what is judged",
    )
    add(
        "--per-user-rate",
        type=float,
        default=-1.0,
        metavar="R",
        help="requests per second of one user; 0: as many as it gets answers "
        "(with a profile 1, or a camera's frame rate; else 0)",
    )
    add("--report", default="", metavar="DIR", help="folder for locust.json: exact latencies and the verdict")


def checked(read: Any) -> Any:
    """Return a reader for argparse that checks a text and leaves it a text."""

    def keep(text: str) -> str:
        if text:
            read(text)
        return text

    keep.__name__ = read.__name__
    return keep


@dataclass(frozen=True, slots=True, kw_only=True)
class LocustSettings:
    """What the options mean.

    Attributes:
        photos: folder, or None for generated ones.
        duplicate_rate: share of requests that repeat bytes.
        seed: of the choices.
        model: the model to call.
        timeout_s: of a request.
        sla: limits; empty for no verdict.
        max_error_rate: share of requests that may fail.
        clock: profile and what is judged.
        report: folder, or None.
    """

    photos: Path | None
    duplicate_rate: float
    seed: int
    model: str
    timeout_s: float
    sla: tuple[Target, ...]
    max_error_rate: float
    clock: ProfileClock
    report: Path | None

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> LocustSettings:
        """Read Locust's parsed options.

        Raises:
            UsageError: they contradict each other.
        """
        profile = options.load_profile or None
        if profile and options.rate <= 0:
            raise UsageError(f"--load-profile {profile} needs --rate: the requests per second that it multiplies.")
        if options.rate > 0 and not profile:
            raise UsageError("--rate needs --load-profile; without one, Locust's --users say how much load there is.")
        per_user_per_s = options.per_user_rate
        if per_user_per_s < 0:
            is_camera = profile is not None and PROFILES[profile].arrivals == "camera"
            per_user_per_s = PROFILES["camera"].frame_rate_hz if is_camera else 1.0 if profile else 0.0
        if profile and per_user_per_s == 0:
            raise UsageError(
                "--load-profile needs a --per-user-rate above 0: else nobody knows how many users make a rate."
            )
        duration_s = positive_seconds(options.duration) if options.duration else None
        return cls(
            photos=Path(options.photos) if options.photos else None,
            duplicate_rate=share(options.duplicate_rate),
            seed=options.seed,
            model=options.model,
            timeout_s=positive_seconds(options.timeout),
            sla=tuple(sla_target(text) for text in options.sla),
            max_error_rate=share(options.max_error_rate),
            clock=ProfileClock(
                profile=profile,
                rate_per_s=options.rate,
                duration_s=duration_s or (PROFILES[profile].duration_s if profile else 0.0),
                warmup_s=seconds(options.warmup),
                per_user_per_s=per_user_per_s,
            ),
            report=Path(options.report) if options.report else None,
        )
