"""The data flow inside each ensemble, by its own config alone (core: `ValidateEnsembleSchedulingConfig`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from ensembles.checks.refusal import listed, refusal
from ensembles.model import Model
from ensembles.problem import Problem
from ensembles.repository import Repository
from ensembles.tensor_ends import TensorEnd, tensor_ends

_NOT_ON_ENSEMBLES = ("instance_group", "optimization", "model_warmup")


def check_ensemble_graphs(repository: Repository) -> Iterator[Problem]:
    """Steps exist, every tensor is written once and used, and nothing waits for itself."""
    for ensemble in repository.ensembles():
        yield from _check_fields(ensemble)
        yield from _check_steps(ensemble)
        yield from _check_flow(ensemble, list(tensor_ends(ensemble, repository)))


def _check_fields(ensemble: Model) -> Iterator[Problem]:
    if ensemble.config.platform != "ensemble" or ensemble.config.backend:
        yield refusal(
            ensemble,
            "ensemble-platform",
            expected='platform: "ensemble" and no backend',
            received=f'platform: "{ensemble.config.platform}", backend: "{ensemble.config.backend}"',
            advice="correct the two fields, or remove ensemble_scheduling if it is no ensemble",
        )
    present = {field.name for field, _ in ensemble.config.ListFields()}
    for field in _NOT_ON_ENSEMBLES:
        if field in present:
            yield refusal(
                ensemble,
                "ensemble-field-forbidden",
                expected=f"no {field} on an ensemble",
                received=field,
                advice="move it to the composing models, which are what runs",
            )


def _check_steps(ensemble: Model) -> Iterator[Problem]:
    steps = ensemble.config.ensemble_scheduling.step
    if not steps:
        yield refusal(
            ensemble,
            "steps-empty",
            expected="at least one step",
            received="none",
            advice="add the steps to the ensemble's wiring",
        )
    for index, step in enumerate(steps):
        for field in ("model_name", "input_map", "output_map"):
            if not getattr(step, field):
                yield refusal(
                    ensemble,
                    "step-incomplete",
                    expected=f"{field} in step {index} ({step.model_name or 'no model'})",
                    received="none",
                    advice="name a model, read a tensor and write one that is used, or remove the step",
                )


def _check_flow(ensemble: Model, ends: list[TensorEnd]) -> Iterator[Problem]:
    writers: dict[str, list[TensorEnd]] = defaultdict(list)
    readers: dict[str, list[TensorEnd]] = defaultdict(list)
    for end in ends:
        (writers if end.writes else readers)[end.tensor].append(end)
    for tensor, several in writers.items():
        if len(several) > 1:
            yield refusal(
                ensemble,
                "tensor-written-twice",
                tensor=tensor,
                expected="one writer",
                received=" and ".join(map(str, several)),
                advice="give one of them another name, for example by an output_prefix",
            )
        if tensor not in readers:
            yield _unused(ensemble, several[0])
    for tensor, waiting in readers.items():
        if tensor not in writers:
            yield _unwritten(ensemble, waiting, written=writers.keys())
    yield from _check_no_cycle(ensemble, writers, readers)


def _unused(ensemble: Model, writer: TensorEnd) -> Problem:
    if writer.step is None:
        return refusal(
            ensemble,
            "ensemble-input-unused",
            tensor=writer.tensor,
            expected="a step that reads every ensemble input",
            received="no reader",
            advice="remove the input, or map it in a step",
        )
    return refusal(
        ensemble,
        "intermediate-unused",
        tensor=writer.tensor,
        expected="a step or an ensemble output that uses every written tensor",
        received=f"no reader of what {writer} writes",
        advice="leave it out of output_map, or use it",
    )


def _unwritten(ensemble: Model, readers: list[TensorEnd], written: Iterable[str]) -> Problem:
    is_output = any(reader.step is None for reader in readers)
    return refusal(
        ensemble,
        "ensemble-output-unwritten" if is_output else "step-input-unwritten",
        tensor=readers[0].tensor,
        expected=f"one of the tensors that are written: {listed(written)}",
        received=f"a tensor nobody writes, needed by {' and '.join(map(str, readers))}",
        advice="map it to an existing tensor, or add the step that writes it",
    )


def _check_no_cycle(
    ensemble: Model, writers: dict[str, list[TensorEnd]], readers: dict[str, list[TensorEnd]]
) -> Iterator[Problem]:
    waits_for: dict[int, set[int]] = defaultdict(set)
    for tensor, reading in readers.items():
        for reader in reading:
            for writer in writers.get(tensor, ()):
                if reader.step is not None and writer.step is not None:
                    waits_for[reader.step].add(writer.step)
    try:
        TopologicalSorter(waits_for).prepare()
    except CycleError as error:
        steps = ensemble.config.ensemble_scheduling.step
        cycle = " -> ".join(f"step {index} ({steps[index].model_name})" for index in error.args[1])
        yield refusal(
            ensemble,
            "step-cycle",
            expected="steps that can be put in an order",
            received=f"{cycle} (writer -> reader)",
            advice="break the cycle: none of these steps could ever start",
        )
