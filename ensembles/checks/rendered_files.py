"""Committed ensembles against their wirings."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path

from ensembles.checks.refusal import refusal
from ensembles.errors import TaxonomyRefused
from ensembles.graph import Ensemble
from ensembles.problem import Problem
from ensembles.rendering import render
from ensembles.repository import Repository

_RENDER = "python -m ensembles render"


def check_rendered_files(repository: Repository, wirings: Iterable[Ensemble]) -> Iterator[Problem]:
    """Each wiring's file is there and is exactly what rendering gives; no ensemble is without a wiring."""
    names = set()
    for ensemble in wirings:
        names.add(ensemble.name)
        if not any(step.model in repository.unreadable for step in ensemble.steps):
            yield from _check_wiring(ensemble, repository)
    for model in repository.ensembles():
        if model.name not in names:
            yield refusal(
                model,
                "ensemble-without-wiring",
                expected=f"a wiring ensembles/wiring/{model.name}.py",
                received="none",
                advice=f"delete {model.folder}, or write its wiring and run {_RENDER}",
            )


def _check_wiring(ensemble: Ensemble, repository: Repository) -> Iterator[Problem]:
    path = repository.root / ensemble.name / "config.pbtxt"
    try:
        rendered = render(ensemble, repository)
    except TaxonomyRefused:
        return  # the taxonomy check says why
    difference = _first_difference(path, rendered)
    if difference is not None:
        yield Problem(
            rule="differs-from-wiring",
            file=path,
            model=ensemble.name,
            expected="what its wiring renders to",
            received=difference,
            advice=f"run {_RENDER} and commit the file",
        )


def _first_difference(path: Path, rendered: str) -> str | None:
    if not path.is_file():
        return "no such file"
    committed_bytes = path.read_bytes()
    if committed_bytes == rendered.encode():
        return None
    committed = committed_bytes.decode(errors="replace")
    changes = difflib.ndiff(committed.splitlines(), rendered.splitlines())
    first = next((change for change in changes if change[:2] in ("- ", "+ ")), "other line ends")
    return f"first difference (- committed, + rendered): {first.strip()}"
