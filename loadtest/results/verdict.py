"""The answer to the one question, and its exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

VerdictName = Literal["PASS", "SLA_MISSED", "INCONCLUSIVE", "GENERATOR_LIMITED", "SERVER_ERRORS"]

# Exit codes of `python -m loadtest run` and `find-peak`.
VERDICT_CODES: Mapping[VerdictName, int] = MappingProxyType(
    {"PASS": 0, "SLA_MISSED": 1, "INCONCLUSIVE": 2, "GENERATOR_LIMITED": 3, "SERVER_ERRORS": 4}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict of a run.

    Attributes:
        code: exit code, see `VERDICT_CODES`.
        name: its name.
        line: the last line that the command prints: verdict, figure, sample count, what to change.
        details: one sentence for each thing that was judged, the deciding one first.
        interrupted: whether the load was ended by SIGINT or SIGTERM.
    """

    code: int
    name: VerdictName
    line: str
    details: tuple[str, ...] = ()
    interrupted: bool = False
