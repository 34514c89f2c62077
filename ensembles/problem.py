"""One reason why a repository is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One refusal, complete enough to act on without opening Triton's log."""

    rule: str
    """Short name of the broken rule, for example `tensor-written-twice`; stable, for tests and scripts."""
    file: Path
    """The file to change."""
    model: str
    """The model it belongs to."""
    tensor: str | None = None
    """The tensor it is about, if it is about one."""
    expected: str
    """What is allowed."""
    received: str
    """What was found instead."""
    advice: str
    """What to do next."""

    @property
    def subject(self) -> str:
        """`model detect` or `model detect, tensor p3`."""
        return f"model {self.model}" + (f", tensor {self.tensor}" if self.tensor is not None else "")

    def __str__(self) -> str:
        return (
            f"{self.file}: {self.subject} [{self.rule}]: expected {self.expected}; received {self.received}. "
            f"To do: {self.advice}"
        )
