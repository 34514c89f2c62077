"""What is broken in a data set: counted, named and reported, never silently left out."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from training.atomic_file import write_atomically

ProblemKind = Literal[
    "photo missing",
    "photo truncated",
    "photo unreadable",
    "photo of another size",
    "box malformed",
    "box not finite",
    "box empty",
    "box outside",
    "box cut",
    "box of unknown label",
    "box of unknown photo",
    "label without category",
    "file unreadable",
]
PROBLEM_KINDS: tuple[ProblemKind, ...] = get_args(ProblemKind)
HARMLESS: frozenset[ProblemKind] = frozenset({"box cut", "label without category"})
"""What leaves no photo and no box out: a box that is cut at the photo's edge; a label that nobody wants."""


@dataclass(frozen=True, slots=True)
class DataProblem:
    """One broken photo or box."""

    kind: ProblemKind
    photo: str
    """File name, or where there is none what the data set calls it."""
    detail: str = ""


def summary(name: str, problems: Iterable[DataProblem]) -> str:
    """Return one line: how many photos and boxes of a set are broken, by kind."""
    counts = Counter(problem.kind for problem in problems)
    if not counts:
        return f"{name}: no broken photo or box"
    parts = [f"{counts[kind]} {kind}" for kind in PROBLEM_KINDS if counts[kind]]
    left_out = sum(count for kind, count in counts.items() if kind not in HARMLESS)
    return f"{name}: {left_out} photos or boxes left out ({', '.join(parts)})"


def write_report(path: Path, problems_per_set: Mapping[str, Iterable[DataProblem]]) -> None:
    """Write all problems with the names of their photos as JSON: `{set: {counts, problems: [{kind, photo, detail}]}}`.

    Raises:
        OSError: the file cannot be written.
    """
    report = {}
    for name, problems in problems_per_set.items():
        listed = list(problems)
        counts = Counter(problem.kind for problem in listed)
        report[name] = {
            "counts": {kind: counts[kind] for kind in PROBLEM_KINDS if counts[kind]},
            "problems": [asdict(problem) for problem in listed],
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(report, indent=2) + "\n").encode())
