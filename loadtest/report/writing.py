"""Write both files of a report."""

from __future__ import annotations

from pathlib import Path

from loadtest.errors import UsageError
from loadtest.report.atomic_text_file import write_text_atomically
from loadtest.results import RunResult

JSON_NAME = "report.json"
HTML_NAME = "report.html"


def write_report(result: RunResult, folder: Path) -> None:
    """Write `report.json`, then `report.html`, each aside and renamed; earlier ones in the folder are replaced.

    Args:
        result: what was measured.
        folder: made where it is missing.

    Raises:
        UsageError: the folder cannot be made or written to.
    """
    # The drawing library takes a second to import, and a report is written once, after the load.
    from loadtest.report.run_page import render_run_page

    try:
        folder.mkdir(parents=True, exist_ok=True)
        # First: whatever may go wrong with the drawing, the figures are safe.
        write_text_atomically(folder / JSON_NAME, result.to_json())
        write_text_atomically(folder / HTML_NAME, render_run_page(result))
    except OSError as error:
        raise UsageError(
            f"Cannot write the report to {folder}: {error.strerror or error}. Name another with --report."
        ) from error
