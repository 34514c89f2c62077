"""Folders, names and files: what Triton finds before it reads a tensor."""

from __future__ import annotations

from collections.abc import Iterator

from ensembles.checks.refusal import listed, refusal
from ensembles.model import Model
from ensembles.problem import Problem
from ensembles.repository import Repository


def check_folders(repository: Repository) -> Iterator[Problem]:
    """Names equal folders, some version is served, every served version holds its model file."""
    for model in repository.models.values():
        yield from _check_name(model)
        yield from _check_backend(model)
        yield from _check_versions(model)


def _check_name(model: Model) -> Iterator[Problem]:
    if model.config.name != model.name:
        yield refusal(
            model,
            "name-not-folder",
            expected=f'name: "{model.name}", the name of its folder',
            received=f'name: "{model.config.name}"',
            advice="rename one of them; Triton and every ensemble go by the folder",
        )


def _check_backend(model: Model) -> Iterator[Problem]:
    if not model.is_ensemble and model.backend == "":
        yield refusal(
            model,
            "backend-missing",
            expected="a backend, for example onnxruntime, python or tensorrt",
            received="none",
            advice='write backend: "<name>"; production runs without auto-completion',
        )


def _check_versions(model: Model) -> Iterator[Problem]:
    present, served = model.versions(), model.served_versions()
    if not present:
        folder = model.folder / "1"
        yield refusal(
            model,
            "version-folder-missing",
            file=folder,
            expected="a version folder: a number without leading zero",
            received="none",
            advice=f"make {folder}; an ensemble's holds .gitkeep, since git drops empty folders",
        )
    elif not served:
        yield refusal(
            model,
            "version-policy-serves-none",
            expected=f"a version_policy that serves one of {listed(present)}",
            received=f"specific versions {listed(model.config.version_policy.specific.versions)}",
            advice="correct version_policy, or add the version",
        )
    for version in served:
        yield from _check_model_file(model, version)


def _check_model_file(model: Model, version: int) -> Iterator[Problem]:
    if model.file_name is None or model.file_is_built_on_target:
        return
    path = model.folder / str(version) / model.file_name
    if not path.is_file():
        yield refusal(
            model,
            "model-file-missing",
            file=path,
            expected=f"a {model.backend} model in version {version}",
            received="no such file",
            advice="export the model there, or set default_model_filename to the file's name",
        )
