"""The command line: one probe, or ``watch``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from serving.errors import ServingError
from serving.probes.inference import probe_model

DEFAULT_URL = "127.0.0.1:8000"
DEFAULT_MODEL = "detect"
DEFAULT_TIMEOUT_S = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one probe, or watch until SIGTERM.

    Args:
        arguments: Without the program's name; None for those of this process.

    Returns:
        Exit status: 0 the model answered, or the watch was stopped; 1 it did not; 2 wrong usage.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["watch"]:
            # What only the watch needs is not loaded for one probe.
            from serving.probes.watch_command import watch

            return watch(given[1:])
        return _probe_once(given)
    except ServingError as error:
        print(error, file=sys.stderr)
        return 1


def _probe_once(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m serving.probes",
        description="Send one real inference. `python -m serving.probes watch --help`: go on doing so, behind HTTP.",
        epilog="exit status: 0 the model answered, 1 it did not, 2 wrong usage",
    )
    parser.add_argument("--url", default=DEFAULT_URL, help="host:port of HTTP (default: %(default)s)")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="model to ask (default: %(default)s)")
    parser.add_argument(
        "--timeout-s", type=float, default=DEFAULT_TIMEOUT_S, help="seconds to wait (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    probe_model(options.url, options.model, timeout_s=options.timeout_s)
    return 0
