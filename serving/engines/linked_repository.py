"""A model repository made of links: the release as it is, and beside each graph the plan of this GPU.

A release is immutable, often mounted read-only and shared by GPUs of several kinds, so plans cannot lie in it. Triton
wants them at ``<model>/<version>/model.plan`` and follows links.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from serving.engines.engine_spec import PLAN_NAME
from serving.errors import EngineCacheError

# A plain file at the top of a repository is no model to Triton.
MARK = ".made-of-links-by-build-engines"


def link_repository(repository: Path, into: Path, plans: Mapping[tuple[str, int], Path]) -> None:
    """Compose the linked repository; what an earlier call made there is replaced.

    Run it before Triton starts, not beside it. The links are absolute and every link on the way is resolved, so that
    a release folder which later points elsewhere changes nothing under a running server.

    Args:
        repository: The release.
        into: Folder of the new repository; empty, missing, or made by an earlier call.
        plans: Plan of each model and version that has one.

    Raises:
        EngineCacheError: The folder holds something else, or cannot be written.
    """
    repository = repository.resolve()
    try:
        into.mkdir(parents=True, exist_ok=True)
        _clear(into)
        for folder in sorted(entry for entry in repository.iterdir() if entry.is_dir()):
            plan_by_version = {version: plan for (model, version), plan in plans.items() if model == folder.name}
            _link_model(folder, into / folder.name, plan_by_version)
    except OSError as error:
        raise EngineCacheError(f"cannot write the linked repository {into}: {error.strerror or error}") from error


def _clear(into: Path) -> None:
    entries = list(into.iterdir())
    if entries and not (into / MARK).is_file() and [entry.name for entry in entries] != ["lost+found"]:
        raise EngineCacheError(
            f"{into} holds {entries[0].name} and was not made by build-engines. Name an empty folder with --link-into."
        )
    (into / MARK).touch()
    for entry in entries:
        if entry.is_symlink():
            entry.unlink()
        elif entry.is_dir() and entry.name != "lost+found":
            shutil.rmtree(entry)


def _link_model(folder: Path, target: Path, plan_by_version: Mapping[int, Path]) -> None:
    if not plan_by_version:
        target.symlink_to(folder, target_is_directory=True)
        return
    # Made under another name at the top, where only a finished model may stand.
    with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as aside:
        model = Path(aside) / "model"
        model.mkdir()
        for entry in folder.iterdir():
            plan = plan_by_version.get(int(entry.name)) if entry.name.isdecimal() and entry.is_dir() else None
            if plan is None:
                (model / entry.name).symlink_to(entry)
            else:
                _link_version(entry, model / entry.name, plan)
        model.rename(target)


def _link_version(folder: Path, target: Path, plan: Path) -> None:
    target.mkdir()
    for name, source in _files_of(folder, plan):
        (target / name).symlink_to(source)


def _files_of(folder: Path, plan: Path) -> Iterator[tuple[str, Path]]:
    for entry in folder.iterdir():
        if entry.name != PLAN_NAME:
            yield entry.name, entry
    yield PLAN_NAME, plan.resolve()
