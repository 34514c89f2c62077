"""The command line of this package.

    python -m loadtest run        does this deployment hold p99 <= X at rate R?
    python -m loadtest find-peak  the highest rate that it holds
    python -m loadtest compare    two reports side by side
    python -m loadtest plan       how many replicas hold the SLA

Exit codes of `run` and `find-peak`: 0 PASS, 1 SLA_MISSED, 2 INCONCLUSIVE, 3 GENERATOR_LIMITED, 4 SERVER_ERRORS. A
command line that cannot be used exits with 64: argparse's own 2 would read as INCONCLUSIVE.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from types import MappingProxyType
from typing import NoReturn

from loadtest.errors import LoadTestError, UsageError

EXIT_USAGE = 64  # EX_USAGE of sysexits.h
EXIT_INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended
EXIT_FAILED = 70  # EX_SOFTWARE: no verdict was reached, and the options are not to blame

# Subcommand -> (module, what it does). A module has `add_parser(subparsers)` and `execute(arguments) -> int`; only the
# one that is asked for is imported, because each brings libraries of its own.
COMMANDS = MappingProxyType(
    {
        "run": ("loadtest.run_command", "load a server at a rate and say whether it holds the SLA"),
        "find-peak": ("loadtest.find_peak_command", "find the highest rate that holds the SLA"),
        "compare": ("loadtest.compare_command", "put two reports side by side"),
        "plan": ("loadtest.plan_command", "say how many replicas hold the SLA at a rate"),
    }
)


class Parser(argparse.ArgumentParser):
    """An argument parser whose usage errors cannot be mistaken for a verdict. Subparsers inherit the class."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with 64."""
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: error: {message}\n")


def build_parser(command: str | None) -> Parser:
    """Build the parser.

    Args:
        command: the subcommand whose options are wanted; the others are only named.
    """
    parser = Parser(
        prog="python -m loadtest", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="{" + ",".join(COMMANDS) + "}")
    for name, (module, help_) in COMMANDS.items():
        if name == command:
            import_module(module).add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=help_)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit code; errors of this package become one line."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    try:
        parsed = build_parser(command).parse_args(arguments)
        code: int = import_module(COMMANDS[parsed.command][0]).execute(parsed)
    except LoadTestError as error:
        print(f"python -m loadtest {command}: error: {error}", file=sys.stderr)
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED
    except Exception:  # ours to mend; Python's own exit code 1 would read as SLA_MISSED
        traceback.print_exc()
        return EXIT_FAILED
    except KeyboardInterrupt:  # before there was anything to report
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return code
