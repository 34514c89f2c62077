"""`python -m ensembles render`: write what the wirings describe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ensembles.atomic_write import write_atomically
from ensembles.checks.ensemble_graph import check_ensemble_graphs
from ensembles.checks.ensemble_models import check_ensemble_models
from ensembles.derive import derive_config
from ensembles.errors import ConfigUnreadable, WiringRefused
from ensembles.graph import Ensemble
from ensembles.model import Model
from ensembles.rendering import render
from ensembles.repository import Repository, load_repository
from ensembles.wiring import wiring_file


def render_all(root: Path, wirings: Sequence[Ensemble]) -> list[Path]:
    """Write every ensemble's config.pbtxt and version folder into the repository.

    Nothing is written unless every wiring renders to an ensemble that Triton accepts.

    Args:
        root: the model repository.
        wirings: the ensembles.

    Returns:
        The files that changed.

    Raises:
        Refused: a wiring, a config or a taxonomy is wrong.
        RepositoryNotFound: `root` is no folder.
    """
    repository = load_repository(root)
    for ensemble in wirings:
        _refuse_what_triton_would(ensemble, repository)
    texts = {root / ensemble.name / "config.pbtxt": render(ensemble, repository) for ensemble in wirings}
    return [path for path, text in texts.items() if _write_if_different(path, text)]


def _refuse_what_triton_would(ensemble: Ensemble, repository: Repository) -> None:
    """Put the derived ensemble into the repository, in memory, and check it there."""
    unreadable = [problem for step in ensemble.steps for problem in repository.unreadable.get(step.model, ())]
    if unreadable:
        raise ConfigUnreadable(list(dict.fromkeys(unreadable)))
    derived = Model(
        name=ensemble.name,
        folder=repository.root / ensemble.name,
        config_path=wiring_file(ensemble),
        config=derive_config(ensemble, repository),
    )
    others = {name: model for name, model in repository.models.items() if not model.is_ensemble}
    alone = replace(repository, models={**others, ensemble.name: derived})
    problems = [*check_ensemble_graphs(alone), *check_ensemble_models(alone)]
    if problems:
        raise WiringRefused(problems)


def _write_if_different(path: Path, text: str) -> bool:
    version = path.parent / "1"
    version.mkdir(parents=True, exist_ok=True)
    (version / ".gitkeep").touch()  # Triton needs the folder, and git keeps no empty one
    if path.is_file() and path.read_bytes() == text.encode():
        return False
    write_atomically(path, text)
    return True
