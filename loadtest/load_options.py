"""What `run` and `find-peak` have in common: whom to call, with what, and when it is good enough."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from genod_client import InvalidInputError
from genod_client.endpoint import parse_endpoint
from loadtest.errors import UsageError
from loadtest.evidence import MAX_LAG_MS
from loadtest.open_loop.load import ServerAddress
from loadtest.profiles import PROFILES
from loadtest.quantities import (
    count,
    header,
    milliseconds,
    positive_seconds,
    seconds,
    share,
    sla_target,
)
from loadtest.results import Target

DEFAULT_WARMUP_S = 5.0
DEFAULT_COOLDOWN_S = 2.0
DEFAULT_TIMEOUT_S = 10.0
DEFAULT_GIVE_UP_AFTER_S = 15.0

# Descriptors are finite; who needs more says so with --max-in-flight and `ulimit -n`.
MOST_IN_FLIGHT = 10_000
MOST_CONNECTIONS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """The options of both commands.

    Attributes:
        address: whom to call.
        profile: name of a profile.
        sla: limits on percentiles, at least one.
        report: folder for the report.
        max_error_rate: share of requests that may fail.
        photos: folder of photos; None for generated ones.
        duplicate_rate: share of requests that repeat the bytes of an earlier one.
        seed: of arrivals and payloads.
        warmup_s: load before the measured window.
        cooldown_s: load after it.
        workers: processes that generate load.
        timeout_s: time after which a request has failed.
        max_in_flight: requests on their way at a time; None for as many as can be before the timeout.
        connections: opened before the load; None for a tenth of a second's requests.
        max_lag_ms: lag from which a request counts as late.
        give_up_after_s: time without any answer after which the load stops.
        trace_slow: how many of the slowest requests the server is asked to time step by step; 0 for none.
        argv: the command line, for the report.
    """

    address: ServerAddress
    profile: str
    sla: tuple[Target, ...]
    report: Path
    max_error_rate: float = 0.0
    photos: Path | None = None
    duplicate_rate: float = 0.0
    seed: int = 0
    warmup_s: float = DEFAULT_WARMUP_S
    cooldown_s: float = DEFAULT_COOLDOWN_S
    workers: int = 1
    timeout_s: float = DEFAULT_TIMEOUT_S
    max_in_flight: int | None = None
    connections: int | None = None
    max_lag_ms: float = MAX_LAG_MS
    give_up_after_s: float = DEFAULT_GIVE_UP_AFTER_S
    trace_slow: int = 0
    argv: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        try:
            parse_endpoint(
                self.address.url, headers=self.address.headers, ca_certificate=self.address.ca_certificate
            ).read_ca_certificate()
        except InvalidInputError as error:
            raise UsageError(f"--url: {error}") from error
        longest_ms = max(target.limit_ms for target in self.sla)
        if self.timeout_s * 1e3 <= longest_ms:
            raise UsageError(
                f"--timeout of {self.timeout_s:g} s ends requests before the limit of {longest_ms:g} ms has passed: "
                "make it longer than every limit of --sla."
            )
        names = [target.name for target in self.sla]
        if len(set(names)) < len(names):
            raise UsageError(f"--sla limits a percentile twice: {', '.join(names)}. Give each once.")


def add_load_options(parser: argparse.ArgumentParser, *, profiles: Mapping[str, str]) -> None:
    """Add the options to a parser.

    Args:
        parser: of a subcommand.
        profiles: names of the allowed profiles -> description.
    """
    server = parser.add_argument_group("server")
    server.add_argument("--url", required=True, help="grpc://host:8001 or http://host:8000; grpcs and https use TLS")
    server.add_argument(
        "--model", default="detect", help="`visual_search`, or a model with the tensors of `detect` (%(default)s)"
    )
    server.add_argument(
        "--header", type=header, action="append", default=[], metavar="NAME=VALUE", help="sent along, e.g. credentials"
    )
    server.add_argument("--ca-certificate", metavar="FILE", help="PEM file of the authorities to trust for TLS")

    goal = parser.add_argument_group("what is good enough")
    goal.add_argument(
        "--sla",
        type=sla_target,
        action="append",
        required=True,
        metavar="pN=TIME",
        help="limit on a percentile of the latency, e.g. p99=100ms; may be given several times",
    )
    goal.add_argument(
        "--max-error-rate", type=share, default=0.0, metavar="E", help="share of requests that may fail (%(default)s)"
    )
    goal.add_argument(
        "--timeout",
        type=positive_seconds,
        default=DEFAULT_TIMEOUT_S,
        metavar="TIME",
        help="a request without an answer by then has failed (%(default)g s)",
    )

    load = parser.add_argument_group("load")
    load.add_argument(
        "--profile",
        choices=sorted(profiles),
        default="steady",
        help="; ".join(f"{name}: {description}" for name, description in profiles.items()) + " (%(default)s)",
    )
    load.add_argument("--photos", type=Path, metavar="DIR", help="JPEG, PNG and WebP files to send (generated ones)")
    load.add_argument(
        "--duplicate-rate",
        type=share,
        default=0.0,
        metavar="D",
        help="share of requests that repeat the very bytes of an earlier one, which a response cache may answer; all "
        "others have bytes that the server has not seen in this run (%(default)s)",
    )
    load.add_argument("--seed", type=int, default=0, help="of arrivals and payloads (%(default)s)")
    load.add_argument(
        "--warmup",
        type=seconds,
        default=DEFAULT_WARMUP_S,
        metavar="TIME",
        help="load before what is measured (%(default)g s)",
    )
    load.add_argument(
        "--cooldown",
        type=seconds,
        default=DEFAULT_COOLDOWN_S,
        metavar="TIME",
        help="load after it (%(default)g s)",
    )
    load.add_argument(
        "--give-up-after",
        type=positive_seconds,
        default=DEFAULT_GIVE_UP_AFTER_S,
        metavar="TIME",
        help="stop when requests fail and none is answered for this long (%(default)g s)",
    )

    generator = parser.add_argument_group("generator")
    generator.add_argument("--workers", type=count, default=1, help="processes that generate load (%(default)s)")
    generator.add_argument(
        "--max-in-flight", type=count, metavar="N", help="requests on their way at a time (rate x timeout)"
    )
    generator.add_argument(
        "--connections", type=count, metavar="N", help="opened before the load (a tenth of the rate)"
    )
    generator.add_argument(
        "--max-lag",
        type=milliseconds,
        default=MAX_LAG_MS,
        metavar="TIME",
        help="a request sent later than this is late, and more than 1 %% of late ones make the run generator-limited; "
        f"latencies hold up to this much of the generator's own ({MAX_LAG_MS:g} ms)",
    )
    parser.add_argument(
        "--report", type=Path, required=True, metavar="DIR", help="folder for report.json and report.html"
    )


def load_options(arguments: argparse.Namespace, argv: tuple[str, ...]) -> LoadOptions:
    """Return the options of a parsed command line.

    Raises:
        UsageError: they contradict each other.
    """
    address = ServerAddress(
        url=arguments.url,
        model=arguments.model,
        headers=dict(arguments.header),
        ca_certificate=arguments.ca_certificate,
    )
    return LoadOptions(
        address=address,
        profile=arguments.profile,
        sla=tuple(arguments.sla),
        report=arguments.report,
        max_error_rate=arguments.max_error_rate,
        photos=arguments.photos,
        duplicate_rate=arguments.duplicate_rate,
        seed=arguments.seed,
        warmup_s=arguments.warmup,
        cooldown_s=arguments.cooldown,
        workers=arguments.workers,
        timeout_s=arguments.timeout,
        max_in_flight=arguments.max_in_flight,
        connections=arguments.connections,
        max_lag_ms=arguments.max_lag,
        give_up_after_s=arguments.give_up_after,
        trace_slow=getattr(arguments, "trace_slow", 0),
        argv=argv,
    )


def profile_descriptions(*names: str) -> dict[str, str]:
    """Return the descriptions of profiles, of all without names."""
    return {name: PROFILES[name].description for name in names or PROFILES}
