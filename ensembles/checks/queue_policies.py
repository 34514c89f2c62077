"""Queue policies that hang an ensemble.

When a step refuses a request while another step of the same request runs beside it, tritonserver 2.51 never
releases the request: a full queue (`max_queue_size`) hangs the whole ensemble until a restart, and a queue
timeout in two such steps leaks the request's tensors. Measured in docs/TRITON_NOTES.md; the full queue is
said to be mended in 26.03.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from ensembles.checks.refusal import listed, refusal
from ensembles.model import Model
from ensembles.problem import Problem
from ensembles.repository import Repository
from ensembles.tensor_ends import tensor_ends


def check_queue_policies(repository: Repository) -> Iterator[Problem]:
    """Of steps that run side by side none has a limited queue, and at most one has a queue timeout."""
    for ensemble in repository.ensembles():
        names = [step.model_name for step in ensemble.config.ensemble_scheduling.step]
        side_by_side = [
            (repository.models[names[one]], repository.models[names[other]])
            for one, other in _pairs_side_by_side(ensemble, repository)
            if names[one] in repository.models and names[other] in repository.models
        ]
        for model in {model.name: model for pair in side_by_side for model in pair}.values():
            limit = model.config.dynamic_batching.default_queue_policy.max_queue_size
            if limit > 0:
                beside = {name for pair in side_by_side for name in _others(pair, model)}
                yield refusal(
                    model,
                    "queue-limit-hangs",
                    expected=f"no max_queue_size, since in {ensemble.name} it runs beside {listed(beside)}",
                    received=f"max_queue_size: {limit}",
                    advice="limit the queue of an earlier, lone step; docs/TRITON_NOTES.md says why",
                )
        for one, other in side_by_side:
            if _has_timeout(one) and _has_timeout(other):
                yield refusal(
                    other,
                    "queue-timeouts-leak",
                    expected=f"a queue timeout in {one.name} or here: {ensemble.name} runs both side by side",
                    received="a queue timeout in both",
                    advice="leave it to the slowest of them; docs/TRITON_NOTES.md says why",
                )


def _pairs_side_by_side(ensemble: Model, repository: Repository) -> list[tuple[int, int]]:
    """Pairs of steps of which neither waits for the other; none while a tensor's writer is missing."""
    ends = list(tensor_ends(ensemble, repository))
    written_by = {end.tensor: end.step for end in ends if end.writes}
    if any(end.tensor not in written_by for end in ends):
        return []  # the graph check says so; to guess an order would only add problems that go away with it
    number_of_steps = len(ensemble.config.ensemble_scheduling.step)
    waits_for: list[set[int]] = [set() for _ in range(number_of_steps)]
    for end in ends:
        writer = written_by.get(end.tensor)
        if not end.writes and end.step is not None and writer is not None:
            waits_for[end.step].add(writer)
    before = [_all_before(step, waits_for) for step in range(number_of_steps)]
    return [
        (one, other)
        for one, other in combinations(range(number_of_steps), 2)
        if one not in before[other] and other not in before[one]
    ]


def _all_before(step: int, waits_for: list[set[int]]) -> set[int]:
    """Steps that `step` waits for, directly or through others."""
    found: set[int] = set()
    to_visit = set(waits_for[step])
    while to_visit:
        visited = to_visit.pop()
        found.add(visited)
        to_visit |= waits_for[visited] - found
    return found


def _has_timeout(model: Model) -> bool:
    """Whether a request can be refused for its time in the queue. REJECT is the default action."""
    policy = model.config.dynamic_batching.default_queue_policy
    rejects = policy.timeout_action == policy.REJECT
    return bool(rejects and (policy.default_timeout_microseconds > 0 or policy.allow_timeout_override))


def _others(pair: tuple[Model, Model], model: Model) -> list[str]:
    return [other.name for other in pair if other.name != model.name] if model in pair else []
