"""What test jobs do; worker processes import it by name."""

import os
import time
from pathlib import Path
from typing import Any

MODULE = "tests.training.scorecard.toy_jobs"


def double(work_folder: Path, *, number: int) -> dict[str, Any]:
    """Return twice the number, and leave a mark of having run."""
    with (work_folder / "runs.txt").open("a") as file:
        file.write(f"{number}\n")
    return {"doubled": 2 * number}


def fail(_work_folder: Path) -> None:
    """Fail as a relation's code might."""
    raise ZeroDivisionError("no such thing")


def die(_work_folder: Path) -> None:
    """Die as a process does that is out of memory."""
    os._exit(9)


def sleep(work_folder: Path, *, seconds: float) -> float:
    """Take a while, and say so first."""
    (work_folder / "sleeping").touch()
    time.sleep(seconds)
    return seconds
