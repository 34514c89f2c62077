"""The folder of a report: asked for before an hour of load, filled after it."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from loadtest.errors import UsageError
from loadtest.results import RunResult


def prepare_folder(folder: Path) -> None:
    """Make the folder.

    Raises:
        UsageError: it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"Cannot make the report's folder {folder}: {error.strerror or error}. Name another with --report."
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"Cannot write into the report's folder {folder}. Name another with --report.")


def keep_report(result: RunResult, folder: Path) -> None:
    """Write the report. Whatever goes wrong is said and does not touch the verdict, which is worth more.

    The figures are written before the page, so a page that cannot be drawn does not cost them.
    """
    # The drawing library takes a second to import.
    from loadtest.report import write_report

    try:
        write_report(result, folder)
    except Exception:
        traceback.print_exc()
        print(f"The report in {folder} is not complete, for the reason above.", file=sys.stderr)
