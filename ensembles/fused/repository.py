"""Write a model repository that serves an ensemble fused."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import onnx

from ensembles.config_file import format_config
from ensembles.fused.errors import CannotFuse
from ensembles.fused.graph import join_graphs
from ensembles.fused.plan import FusionPlan, plan_fusion
from ensembles.repository import load_repository

_MARK = ".fused-repository"
"""Lies in every folder this module has made; only such a folder is replaced."""


def write_fused_repository(source: Path, ensemble_name: str, destination: Path) -> FusionPlan:
    """Fuse an ensemble of one repository into a repository of its own.

    It holds `<ensemble>_fused`, the joined graph, and copies of the models that stay steps, and is complete: a server
    needs nothing else. It is written aside and renamed, so a server never sees half of it.

    Args:
        source: the model repository, for example a fetched release.
        ensemble_name: which of its ensembles.
        destination: folder to make; one that an earlier call made is replaced, any other is refused.

    Raises:
        CannotFuse: see the message; nothing was written.
        RepositoryNotFound: `source` is no folder.
    """
    repository = load_repository(source)
    ensembles = {model.name: model for model in repository.ensembles()}
    if ensemble_name not in ensembles:
        raise CannotFuse(f"{source} has no ensemble {ensemble_name!r}; it has {', '.join(sorted(ensembles)) or 'none'}")
    if destination.exists() and not (destination / _MARK).is_file():
        raise CannotFuse(f"{destination} exists and is no fused repository: name another folder with --into")
    plan = plan_fusion(ensembles[ensemble_name], repository)
    graph = join_graphs(plan.steps, outputs=plan.outputs, name=plan.graph_name)
    destination.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
    try:
        _write(plan, graph, aside)
        _replace(destination, aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return plan


def _write(plan: FusionPlan, graph: onnx.ModelProto, folder: Path) -> None:
    folder.chmod(0o755)  # mkdtemp's 0700 would hide the models from a server that runs as another user
    for model in plan.kept:
        shutil.copytree(model.folder, folder / model.name, ignore=shutil.ignore_patterns("__pycache__"))
    ensemble_folder = folder / plan.ensemble_config.name / str(plan.version)
    graph_folder = folder / plan.graph_name / str(plan.version)
    for version_folder, config in ((ensemble_folder, plan.ensemble_config), (graph_folder, plan.graph_config)):
        version_folder.mkdir(parents=True)
        (version_folder.parent / "config.pbtxt").write_text(format_config(config), encoding="utf-8")
    onnx.save(graph, graph_folder / "model.onnx")
    (folder / _MARK).write_text("Made by `python -m ensembles fuse`; it may be replaced by it.\n", encoding="utf-8")


def _replace(destination: Path, new: Path) -> None:
    """Put `new` in the place of `destination`; a folder cannot replace another in one step, so the old steps aside."""
    if not destination.exists():
        os.rename(new, destination)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{destination.name}.old.", dir=destination.parent))
    os.rename(destination, old / "repository")
    os.rename(new, destination)
    shutil.rmtree(old)
