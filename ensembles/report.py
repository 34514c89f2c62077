"""Problems as a reader meets them in a terminal or in a log."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ensembles.problem import Problem


def print_problems(problems: Sequence[Problem], console: Console) -> None:
    """Print every problem below the file to change, then their number.

    Colours appear only where `console` is a terminal; long lines are left to the terminal, so a log can be
    searched.
    """
    by_file = sorted(problems, key=lambda problem: str(problem.file))
    for file, of_file in groupby(by_file, key=lambda problem: problem.file):
        console.print(Text(str(_relative(file)), style="bold"), soft_wrap=True)
        for problem in of_file:
            console.print(_format(problem), soft_wrap=True)
    files = len({problem.file for problem in problems})
    console.print(
        Text(f"{_count(len(problems), 'problem')} in {_count(files, 'file')}", style="bold red"),
        soft_wrap=True,
    )


def _format(problem: Problem) -> Text:
    return Text.assemble(
        ("  ✗ ", "red"),
        problem.subject,
        (f"  [{problem.rule}]\n", "dim"),
        ("    expected  ", "green"),
        f"{problem.expected}\n",
        ("    received  ", "red"),
        f"{problem.received}\n",
        ("    to do     ", "cyan"),
        problem.advice,
    )


def _relative(file: Path) -> Path:
    """The path as it would be typed here, where that is shorter."""
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
