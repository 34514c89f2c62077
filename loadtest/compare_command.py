"""`python -m loadtest compare A B`: is B slower than A?

Exit codes: 0 no figure of B is worse than allowed; 1 at least one is, by its whole confidence interval; 2 the reports
cannot be compared, or the intervals are too wide to tell.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from loadtest.errors import ReportFormatError, UsageError
from loadtest.report import HTML_NAME, JSON_NAME
from loadtest.results import RunResult

DEFAULT_MAX_REGRESSION = 0.05
COMPARISON_HTML_NAME = "comparison.html"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand's options."""
    parser = subparsers.add_parser(
        "compare",
        help="put two reports side by side",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", metavar="A", type=Path, help="report to compare with: its folder or report.json")
    parser.add_argument("after", metavar="B", type=Path, help="report in question")
    parser.add_argument(
        "--max-regression",
        type=_share,
        default=DEFAULT_MAX_REGRESSION,
        metavar="P%",
        help="how much slower B may be, e.g. 5%% or 0.05 (default: 5%%)",
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help=f"write {COMPARISON_HTML_NAME} into this folder")


def execute(arguments: argparse.Namespace) -> int:
    """Compare and print; return the exit code.

    Raises:
        UsageError: a report is not there, or the page cannot be written.
        ReportFormatError: a file is no report.
    """
    before, after = read_report(arguments.before), read_report(arguments.after)
    # Imported here: scipy takes a while, and a wrong path should be told at once.
    from loadtest.comparison import compare_runs
    from loadtest.comparison.text import format_comparison

    comparison = compare_runs(before, after, max_regression=arguments.max_regression)
    text = format_comparison(comparison)
    if arguments.report is not None:
        from loadtest.comparison.page import render_comparison_page
        from loadtest.report.atomic_text_file import write_text_atomically

        try:
            arguments.report.mkdir(parents=True, exist_ok=True)
            write_text_atomically(arguments.report / COMPARISON_HTML_NAME, render_comparison_page(comparison))
        except OSError as error:
            raise UsageError(
                f"Cannot write the comparison to {arguments.report}: {error.strerror or error}. "
                "Name another folder with --report."
            ) from error
    print(text)
    return comparison.exit_code


def read_report(path: Path) -> RunResult:
    """Read a report from its folder, its report.json, or its report.html beside which that lies."""
    file = path / JSON_NAME if path.is_dir() else path.with_name(JSON_NAME) if path.name == HTML_NAME else path
    try:
        return RunResult.from_json(file.read_bytes())
    except OSError as error:
        raise UsageError(
            f"Cannot read the report {file}: {error.strerror or error}. Name the folder that was given to --report."
        ) from error
    except ReportFormatError as error:
        raise ReportFormatError(f"{file}: {error}") from error


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share < 10:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a share: give a percentage such as 5%, or a share such as 0.05, of 0 or more"
        )
    return share
