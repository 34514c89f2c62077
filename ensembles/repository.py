"""The models of a repository, as one target sees them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ensembles.config_file import read_config
from ensembles.errors import ConfigUnreadable, RepositoryNotFound
from ensembles.model import Model
from ensembles.problem import Problem

DEFAULT_ROOT = Path(__file__).parents[1] / "model_repository"


@dataclass(frozen=True, kw_only=True)
class Repository:
    """What a server started with `--model-config-name=<target>` would find."""

    root: Path
    target: str | None
    models: dict[str, Model]
    """The models whose configs could be read, by name."""
    unreadable: dict[str, list[Problem]]
    """For each other model the reasons; rules about it are silent, so that one misspelling is one problem."""

    def ensembles(self) -> list[Model]:
        """The ensembles, by name."""
        return [model for model in self.models.values() if model.is_ensemble]


def load_repository(root: Path, target: str | None = None) -> Repository:
    """Read the config of every model that `target` serves.

    Args:
        root: what `tritonserver --model-repository` mounts.
        target: value of `--model-config-name`, or None for plain config.pbtxt.

    Raises:
        RepositoryNotFound: there is no such folder.
    """
    models: dict[str, Model] = {}
    unreadable: dict[str, list[Problem]] = {}
    for folder in _model_folders(root):
        config_path = _config_path(folder, target)
        try:
            config = read_config(config_path, folder.name)
        except ConfigUnreadable as refused:
            unreadable[folder.name] = list(refused.problems)
        else:
            models[folder.name] = Model(name=folder.name, folder=folder, config_path=config_path, config=config)
    return Repository(root=root, target=target, models=models, unreadable=unreadable)


def targets(root: Path) -> list[str]:
    """Names of all targets for which any model has a config of its own, sorted."""
    return sorted({path.stem for folder in _model_folders(root) for path in (folder / "configs").glob("*.pbtxt")})


def _config_path(folder: Path, target: str | None) -> Path:
    """The config that Triton reads: the target's if the model has one, else the default."""
    own = folder / "configs" / f"{target}.pbtxt"
    return own if target is not None and own.is_file() else folder / "config.pbtxt"


def _model_folders(root: Path) -> list[Path]:
    """Every sub-folder: Triton takes each as a model, also a stray one."""
    if not root.is_dir():
        raise RepositoryNotFound(
            f"{root} is not a folder. Expected a Triton model repository, one folder per model. "
            "Name it with --model-repository."
        )
    return sorted(entry for entry in root.iterdir() if entry.is_dir())
