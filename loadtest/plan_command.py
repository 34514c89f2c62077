"""``python -m loadtest plan``: how many replicas hold the SLA, by simulation from measured stage times."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loadtest.quantities import count, positive, share, sla_target

if TYPE_CHECKING:
    from loadtest.capacity.service_profile import ServiceProfile

DESCRIPTION = """
Simulate the queueing network behind an ensemble - batching, instances, shared cores, Poisson arrivals - and say how
many replicas of each region hold the SLA. Stage times come from a service profile (measured with --measure, a small
JSON file to edit and commit) or from the report of a run at a low rate. Exit codes: 0 feasible, 1 not feasible, 64 for
a command line that cannot be used, 70 when nothing could be measured.
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("plan", help="say how many replicas hold the SLA at a rate", description=DESCRIPTION)
    goal = parser.add_argument_group("what has to be held")
    goal.add_argument("--qps", type=positive, metavar="Q", help="requests per second of all regions together")
    goal.add_argument(
        "--sla",
        type=sla_target,
        action="append",
        default=[],
        metavar="pN=TIME",
        help="limit, e.g. p99=100ms; repeatable",
    )
    goal.add_argument(
        "--regions", type=region_shares, default={"all": 1.0}, metavar="NAME=SHARE,...", help="eu=0.5,us=0.3,asia=0.2"
    )
    goal.add_argument(
        "--survive-region-loss",
        action="store_true",
        help="each region can take its part of the largest other one's load",
    )
    goal.add_argument("--headroom", type=headroom, default=0.0, metavar="H", help="0.2: plan for 1.2 times the rate")
    goal.add_argument("--max-replicas", type=count, metavar="N", help="of one region; more is not feasible")

    times = parser.add_argument_group("stage times")
    times.add_argument(
        "--from", dest="source", type=Path, metavar="FILE", help="a service profile or a report (folder)"
    )
    times.add_argument(
        "--url",
        help="a server: with --measure to be measured; with --from REPORT its configs are read (batching, instances)",
    )
    times.add_argument("--measure", action="store_true", help="measure the server at --url, about half a minute, idle")
    times.add_argument("--save", type=Path, metavar="FILE", help="keep the profile, after --set")
    times.add_argument("--photos", type=Path, metavar="DIR", help="photos to measure with (generated ones)")
    times.add_argument("--model", default="detect", help="the ensemble (%(default)s)")
    times.add_argument("--cores", type=positive, metavar="C", help="of one replica, where the server is elsewhere")
    times.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="STAGE.FIELD=VALUE",
        help="what if: backbone.instances=2, cpu.capacity=8",
    )

    parser.add_argument("--balancing", choices=("least_request", "round_robin"), default="least_request")
    parser.add_argument("--seed", type=int, default=0, help="of the simulations (%(default)s)")
    parser.add_argument("--no-advice", action="store_true", help="do not look for what would raise the peak (faster)")
    parser.add_argument("--report", type=Path, metavar="DIR", help="folder for plan.json and plan.html")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")


def execute(arguments: argparse.Namespace) -> int:
    """Get a profile, plan, print; return 0 feasible, 1 not feasible."""
    # Imported here: a mistake in the options shall not take the second that these need.
    import json
    import sys

    from rich.console import Console

    from loadtest.capacity.advice import advise
    from loadtest.capacity.errors import PlanError
    from loadtest.capacity.plan_page import write_plan
    from loadtest.capacity.plan_text import plan_json, print_plan
    from loadtest.capacity.planning import Demand, make_plan
    from loadtest.capacity.profile_edits import apply_edit

    console = Console(stderr=arguments.json, soft_wrap=True)
    plans = arguments.qps is not None or bool(arguments.sla)
    if not plans and not (arguments.measure and arguments.save):
        raise PlanError("give --qps and --sla for a plan, or --url, --measure and --save to only keep a profile")
    demand = None
    if plans:
        if arguments.qps is None or not arguments.sla:
            raise PlanError("a plan needs both --qps and --sla, for example --qps 200 --sla p99=100ms")
        demand = Demand(
            rate_per_s=arguments.qps,
            targets=tuple(arguments.sla),
            region_shares=arguments.regions,
            survive_region_loss=arguments.survive_region_loss,
            headroom=arguments.headroom,
        )
    profile = _profile(arguments, console)
    for edit in arguments.set:
        profile = apply_edit(profile, edit)
    if arguments.save:
        profile.save(arguments.save)
        console.print(f"profile: {arguments.save}", markup=False, highlight=False)
    if demand is None:
        return 0
    with Console(stderr=True).status("simulating"):
        plan = make_plan(
            profile,
            demand,
            seed=arguments.seed,
            balancing=arguments.balancing,
            max_replicas=arguments.max_replicas,
        )
        wants_advice = not arguments.no_advice and plan.peak.rate_per_s > 0
        advice = advise(profile, plan.peak, demand.targets, seed=arguments.seed) if wants_advice else None
    if arguments.report:
        write_plan(plan, profile, advice, arguments.report)
    if arguments.json:
        json.dump(plan_json(plan, profile, advice), sys.stdout, indent=1, allow_nan=False)
        print()
    else:
        print_plan(plan, profile, advice, console)
    return 0 if plan.is_feasible else 1


def region_shares(text: str) -> dict[str, float]:
    """Read `eu=0.5,us=0.3,asia=0.2`.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not name or not equals or name in shares:
            raise argparse.ArgumentTypeError(f"regions look like eu=0.5,us=0.3,asia=0.2, each once; got {text!r}")
        shares[name] = share(value)
    return shares


def headroom(text: str) -> float:
    """Read a share that may be above 1: `0.2` or `20%`.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"headroom looks like 0.2 or 20%, not {text!r}")
    return value


def _profile(arguments: argparse.Namespace, console: Any) -> ServiceProfile:
    from loadtest.capacity.errors import PlanError
    from loadtest.capacity.measurement import Measurement
    from loadtest.capacity.profile_file import load_profile
    from loadtest.payloads import Mix, generate_photos, photos_of_folder

    if (arguments.source is None) == (not arguments.measure):
        raise PlanError("say where stage times come from: --from FILE, or --url URL with --measure; one of them")
    if arguments.source is not None:
        return load_profile(arguments.source, url=arguments.url, cores=arguments.cores)
    if not arguments.url:
        raise PlanError("--measure needs the server's --url")
    photos = photos_of_folder(arguments.photos) if arguments.photos else generate_photos(Mix(), seed=arguments.seed)
    return Measurement(
        arguments.url,
        [photo.content for photo in photos],
        model=arguments.model,
        cores=arguments.cores,
        on_progress=lambda what: console.print(f"measuring: {what}", markup=False, highlight=False),
    )()
