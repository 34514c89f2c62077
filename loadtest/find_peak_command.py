"""``python -m loadtest find-peak``: the highest rate that holds the SLA."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from loadtest.errors import UsageError
from loadtest.load_options import add_load_options, load_options, profile_descriptions
from loadtest.quantities import positive, positive_seconds, share

DESCRIPTION = """
Double the rate until a step does not pass, then bisect. Each step is a run of its own, with warm-up and cool-down, long
enough for as many samples as the early-stopping rule wants. A step that does not pass is made once more. The last line
printed is the verdict: 0 PASS with the peak; else the verdict of the lowest rate that was tried, or 3 where the
generator and 4 where the server ended the search. After Ctrl-C the report holds the steps so far.
"""

DEFAULT_START_PER_S = 4.0
DEFAULT_HIGHEST_PER_S = 10_000.0
DEFAULT_TOLERANCE = 0.1
DEFAULT_STEP_S = 20.0
DEFAULT_LONGEST_STEP_S = 300.0


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "find-peak", help="find the highest rate that holds the SLA", description=DESCRIPTION
    )
    add_load_options(parser, profiles=profile_descriptions("steady", "camera"))
    search = parser.add_argument_group("search")
    search.add_argument(
        "--start-rate",
        type=positive,
        default=DEFAULT_START_PER_S,
        metavar="R",
        help="requests per second of the first step (%(default)g)",
    )
    search.add_argument(
        "--max-rate", type=positive, default=DEFAULT_HIGHEST_PER_S, metavar="R", help="try no more (%(default)g)"
    )
    search.add_argument(
        "--tolerance",
        type=share,
        default=DEFAULT_TOLERANCE,
        metavar="T",
        help="stop when the lowest rate that fails is at most this share above the peak (%(default)g)",
    )
    search.add_argument(
        "--step-duration",
        type=positive_seconds,
        default=DEFAULT_STEP_S,
        metavar="TIME",
        help="least measured time of a step (%(default)g s)",
    )
    search.add_argument(
        "--max-step-duration",
        type=positive_seconds,
        default=DEFAULT_LONGEST_STEP_S,
        metavar="TIME",
        help="most measured time of a step; what is not proven by then has not passed (%(default)g s)",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Search, write the report, print the verdict; return its code."""
    from rich.console import Console

    from loadtest.interrupt import Interrupt
    from loadtest.live_progress import LiveProgress
    from loadtest.measuring import load_payloads
    from loadtest.peak_steps import PeakSteps, StepLimits
    from loadtest.report_folder import keep_report, prepare_folder
    from loadtest.run_command import print_result
    from loadtest.server_readings import read_server

    options = load_options(arguments, tuple(sys.argv[1:]))
    if arguments.tolerance <= 0:
        raise UsageError("--tolerance must be above 0: two rates are never told apart exactly.")
    if arguments.max_step_duration < arguments.step_duration:
        raise UsageError(
            f"--max-step-duration of {arguments.max_step_duration:g} s is less than --step-duration of "
            f"{arguments.step_duration:g} s."
        )
    prepare_folder(options.report)
    payloads = load_payloads(options)
    with Interrupt() as interrupt, LiveProgress(Console(stderr=True)) as progress:
        server, note = read_server(options.address)
        steps = PeakSteps(
            options=options,
            payloads=payloads,
            limits=StepLimits(least_s=arguments.step_duration, most_s=arguments.max_step_duration),
            server=server,
            interrupt=interrupt,
            progress=progress,
            console=Console(soft_wrap=True),
            notes=() if note is None else (note,),
        )
        result = steps.search(
            start_per_s=arguments.start_rate, highest_per_s=arguments.max_rate, tolerance=arguments.tolerance
        )
        keep_report(result, options.report)
    print_result(result, Console(soft_wrap=True), report=str(options.report))
    return result.verdict.code
