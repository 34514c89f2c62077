"""Each ensemble against its composing models (core: `ValidateEnsembleConfig`, `ValidateTensorMapping`)."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ensembles.checks.refusal import listed, refusal
from ensembles.model import Model
from ensembles.problem import Problem
from ensembles.repository import Repository
from ensembles.tensor_ends import TensorEnd, tensor_ends
from ensembles.tensors import shapes_agree


def check_ensemble_models(repository: Repository) -> Iterator[Problem]:
    """Composing models exist in the pinned version, batch enough, and their tensors fit together."""
    for ensemble in repository.ensembles():
        for index, step in enumerate(ensemble.config.ensemble_scheduling.step):
            yield from _check_step(ensemble, index, step, repository)
        yield from _check_specs(ensemble, repository)
    yield from _check_no_ensemble_in_itself(repository)


def _check_step(ensemble: Model, index: int, step: Any, repository: Repository) -> Iterator[Problem]:
    if step.model_name in repository.unreadable or not step.model_name:
        return
    model = repository.models.get(step.model_name)
    if model is None:
        yield refusal(
            ensemble,
            "model-unknown",
            expected=f"step {index} to name a model of the repository: {listed(repository.models)}",
            received=step.model_name,
            advice="correct the name, or add the model's folder",
        )
        return
    yield from _check_version(ensemble, step, model)
    if 0 < model.config.max_batch_size < ensemble.config.max_batch_size:
        yield refusal(
            ensemble,
            "batch-too-large",
            expected=f"max_batch_size at most {model.config.max_batch_size}, as {model.name} allows",
            received=str(ensemble.config.max_batch_size),
            advice="lower the ensemble's max_batch_size, or raise the model's",
        )
    yield from _check_maps(ensemble, index, step, model)


def _check_version(ensemble: Model, step: Any, model: Model) -> Iterator[Problem]:
    if step.model_version < 1:
        yield refusal(
            ensemble,
            "version-unpinned",
            expected=f"{model.name} pinned to one of its versions: {listed(model.versions())}",
            received=f"model_version: {step.model_version}",
            advice="pin it: the response cache goes stale when a version changes under an ensemble",
        )
    elif step.model_version not in model.versions():
        yield refusal(
            ensemble,
            "version-missing",
            expected=f"a version of {model.name} that exists: {listed(model.versions())}",
            received=f"model_version: {step.model_version}",
            advice=f"add {model.folder / str(step.model_version)}, or pin another version",
        )
    elif step.model_version not in model.served_versions():
        yield refusal(
            ensemble,
            "version-not-served",
            expected=f"a version served by {model.name}'s version_policy: {listed(model.served_versions())}",
            received=f"model_version: {step.model_version}",
            advice=f"serve it by version_policy {{ specific {{ versions: [...] }} }} in {model.config_path}",
        )


def _check_maps(ensemble: Model, index: int, step: Any, model: Model) -> Iterator[Problem]:
    for kind, mapped, declared in (
        ("input", step.input_map, model.inputs()),
        ("output", step.output_map, model.outputs()),
    ):
        for name in sorted(mapped):
            if name not in declared:
                yield refusal(
                    ensemble,
                    f"step-{kind}-unknown",
                    tensor=mapped[name],
                    expected=f"an {kind} of {model.name}: {listed(declared)}",
                    received=f"{name} in step {index}",
                    advice=f"correct the {kind}_map",
                )
    for name in model.inputs():
        if name not in step.input_map and name not in model.optional_inputs():
            yield refusal(
                ensemble,
                "step-input-unmapped",
                tensor=name,
                expected=f"{model.name}.{name} in the input_map of step {index}, since it is not optional",
                received=f"a map of {listed(step.input_map)}",
                advice="map it to the tensor that feeds it",
            )


def _check_specs(ensemble: Model, repository: Repository) -> Iterator[Problem]:
    """Compare each known end of a tensor with its writer, or with the first known end."""
    ends: dict[str, list[TensorEnd]] = {}
    for end in tensor_ends(ensemble, repository):
        if end.spec is not None and end.spec.data_type != "INVALID":
            ends.setdefault(end.tensor, []).append(end)
    for tensor, known in ends.items():
        reference, *others = sorted(known, key=lambda end: not end.writes)
        for other in others:
            yield from _check_pair(ensemble, tensor, reference, other)


def _check_pair(ensemble: Model, tensor: str, reference: TensorEnd, other: TensorEnd) -> Iterator[Problem]:
    assert reference.spec is not None
    assert other.spec is not None
    expected = f"{reference.spec}, as {reference} has it"
    received = f"{other.spec} at {other}"
    if reference.spec.data_type != other.spec.data_type:
        yield refusal(
            ensemble,
            "type-mismatch",
            tensor=tensor,
            expected=expected,
            received=received,
            advice="make the data_type of both equal: Triton converts nothing",
        )
    if not shapes_agree(reference.spec, other.spec):
        yield refusal(
            ensemble,
            "shape-mismatch",
            tensor=tensor,
            expected=expected,
            received=received,
            advice="make both equal, or -1 where a size varies; dims never include the batch dimension",
        )


def _check_no_ensemble_in_itself(repository: Repository) -> Iterator[Problem]:
    made_of = {
        ensemble.name: {step.model_name for step in ensemble.config.ensemble_scheduling.step}
        for ensemble in repository.ensembles()
    }
    try:
        TopologicalSorter(made_of).prepare()
    except CycleError as error:
        cycle = error.args[1]
        yield refusal(
            repository.models[cycle[0]],
            "ensemble-cycle",
            expected="no ensemble that contains itself",
            received=" -> ".join(reversed(cycle)),
            advice="remove one of these steps",
        )
