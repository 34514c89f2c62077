"""Short form of a problem about one model's config."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ensembles.model import Model
from ensembles.problem import Problem


def refusal(
    model: Model,
    rule: str,
    *,
    expected: str,
    received: str,
    advice: str,
    tensor: str | None = None,
    file: Path | None = None,
) -> Problem:
    """A problem of `model`, in its config unless another `file` is to be changed."""
    return Problem(
        rule=rule,
        file=file if file is not None else model.config_path,
        model=model.name,
        tensor=tensor,
        expected=expected,
        received=received,
        advice=advice,
    )


def listed(names: Iterable[object]) -> str:
    """`a, b, c`, or `none` where the collection is empty."""
    return ", ".join(sorted(str(name) for name in names)) or "none"
