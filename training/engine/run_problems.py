"""What is broken in a run's data: a line for each set, and everything by name in the run folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from training.data.problems import DataProblem, summary, write_report

PROBLEMS_FILE = "data_problems.json"
"""In the run folder: every broken photo and box, by name."""


def report_problems(run_folder: Path, problems_per_split: Mapping[str, Sequence[DataProblem]]) -> None:
    """Print and write what is broken, by "<set> <split>"."""
    for name, problems in problems_per_split.items():
        if problems:
            print(f"{summary(name, problems)}; by name in {run_folder / PROBLEMS_FILE}", flush=True)
    write_report(run_folder / PROBLEMS_FILE, problems_per_split)
