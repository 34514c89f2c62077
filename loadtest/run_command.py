"""``python -m loadtest run``: one load, one verdict."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from loadtest.load_options import add_load_options, load_options, profile_descriptions
from loadtest.profiles import PROFILES
from loadtest.quantities import count, positive, positive_seconds

if TYPE_CHECKING:
    from rich.console import Console

    from loadtest.results import RunResult

DESCRIPTION = """
Send requests when they are due, whatever the server does, and say whether it holds the SLA. The last line printed is
the verdict; the exit code says it too: 0 PASS, 1 SLA_MISSED, 2 INCONCLUSIVE, 3 GENERATOR_LIMITED, 4 SERVER_ERRORS,
and 64 for a command line that cannot be used. After Ctrl-C the report is still written and the code is that of what was
measured, except that an interrupted run never passes: it is INCONCLUSIVE then.
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "run", help="load a server at a rate and say whether it holds the SLA", description=DESCRIPTION
    )
    add_load_options(parser, profiles=profile_descriptions())
    parser.add_argument("--rate", type=positive, required=True, metavar="R", help="requests per second")
    parser.add_argument(
        "--duration",
        type=positive_seconds,
        metavar="TIME",
        help="length of the measured window (60 s; of profile soak an hour)",
    )
    parser.add_argument(
        "--trace-slow",
        type=count,
        default=0,
        metavar="N",
        help="have the server time every request step by step and keep the N slowest; it must have been started with a "
        "trace file that can be read here, and gets slower by the writing",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Run the load, write the report, print the verdict; return its code."""
    # Imported here: a mistake in the options shall not take the second that these need.
    from rich.console import Console

    from loadtest.interrupt import Interrupt
    from loadtest.live_progress import LiveProgress
    from loadtest.measuring import load_payloads, measure
    from loadtest.planned_load import plan_load
    from loadtest.report_folder import keep_report, prepare_folder
    from loadtest.server_readings import read_server

    options = load_options(arguments, tuple(sys.argv[1:]))
    duration_s = arguments.duration or PROFILES[options.profile].duration_s
    prepare_folder(options.report)
    payloads = load_payloads(options)
    planned = plan_load(options, payloads.photos, rate_per_s=arguments.rate, duration_s=duration_s, seed=options.seed)
    console = Console(stderr=True)
    with Interrupt() as interrupt, LiveProgress(console) as progress:
        server, note = read_server(options.address)
        whole_s = options.warmup_s + duration_s + options.cooldown_s
        progress.begin(f"{options.profile} {arguments.rate:g}/s", whole_s)
        result = measure(
            options,
            planned,
            payloads,
            server=server,
            interrupt=interrupt,
            on_live=progress.show,
            notes=() if note is None else (note,),
        ).result
        keep_report(result, options.report)
    print_result(result, Console(soft_wrap=True), report=str(options.report))
    return result.verdict.code


def print_result(result: RunResult, console: Console, *, report: str) -> None:
    """Print the figures and, as the last line, the verdict."""
    from rich.table import Table

    if result.latency.count:
        names = sorted(result.latency.percentiles, key=float)
        table = Table("ms", *("samples", "mean", *(f"p{name}" for name in names), "max"), box=None)
        for title, summary in (("latency", result.latency), ("lag", result.lag)):
            cells = [summary.mean_ms, *(summary.percentiles.get(name) for name in names), summary.max_ms]
            table.add_row(title, f"{summary.count:,}", *map(_milliseconds, cells))
        console.print(table)
    for error in result.errors:
        console.print(
            f"{error.count:,} x {error.kind}, first after {error.first_at_s:.1f} s: {error.message}", markup=False
        )
    for detail in result.verdict.details:
        console.print(detail, markup=False, highlight=False)
    for note in result.generator["notes"]:
        console.print(note, markup=False, highlight=False)
    console.print(f"report: {report}", markup=False, highlight=False)
    # Not through rich: a program reads this line.
    print(result.verdict.line, flush=True)


def _milliseconds(value: float | None) -> str:
    """Return a time with three digits, and all of those before its point."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"
