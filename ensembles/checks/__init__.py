"""Everything that makes Triton refuse a repository, or serve it badly, found before a server starts.

One file per concern, one function per file: `check_*(repository, ...) -> Iterator[Problem]`. Each goes on
after a problem, so that one run lists all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ensembles.checks.declared_tensors import check_declared_tensors
from ensembles.checks.ensemble_graph import check_ensemble_graphs
from ensembles.checks.ensemble_models import check_ensemble_models
from ensembles.checks.folders import check_folders
from ensembles.checks.gpu_models import check_gpu_models
from ensembles.checks.head_classes import check_head_classes
from ensembles.checks.onnx_graph import check_onnx_graphs
from ensembles.checks.pool_sizes import check_pool_sizes
from ensembles.checks.queue_policies import check_queue_policies
from ensembles.checks.rendered_files import check_rendered_files
from ensembles.checks.target_agreement import check_target_agreement
from ensembles.checks.tensorrt_shapes import check_tensorrt_shapes
from ensembles.checks.warmups import check_warmups
from ensembles.graph import Ensemble
from ensembles.memory_pools import MemoryPools
from ensembles.problem import Problem
from ensembles.repository import Repository, load_repository, targets


def find_problems(root: Path, wirings: Sequence[Ensemble], pools: MemoryPools) -> list[Problem]:
    """Check a repository as every target would serve it.

    Args:
        root: the model repository.
        wirings: the ensembles it must hold, and no others.
        pools: memory with which the server will be started.

    Returns:
        Every problem once, those of plain config.pbtxt first.

    Raises:
        RepositoryNotFound: `root` is no folder.
    """
    default = load_repository(root)
    found = [*_problems_of(default, pools), *check_head_classes(default, wirings)]
    found.extend(check_rendered_files(default, wirings))
    for target in targets(root):
        repository = load_repository(root, target)
        found.extend(_problems_of(repository, pools))
        found.extend(check_target_agreement(default, repository))
    return list(dict.fromkeys(found))


def find_load_problems(root: Path) -> list[Problem]:
    """Check what makes Triton refuse any repository, on every target, without knowing its wirings.

    Args:
        root: a model repository, for example a fetched release.

    Returns:
        Every problem once.
    """
    found: list[Problem] = []
    for target in (None, *targets(root)):
        found.extend(_load_problems_of(load_repository(root, target)))
    return list(dict.fromkeys(found))


def _problems_of(repository: Repository, pools: MemoryPools) -> Iterator[Problem]:
    yield from _load_problems_of(repository)
    yield from check_queue_policies(repository)
    yield from check_warmups(repository)
    yield from check_gpu_models(repository)
    yield from check_tensorrt_shapes(repository)
    yield from check_pool_sizes(repository, pools)


def _load_problems_of(repository: Repository) -> Iterator[Problem]:
    for problems in repository.unreadable.values():
        yield from problems
    yield from check_folders(repository)
    yield from check_declared_tensors(repository)
    yield from check_ensemble_graphs(repository)
    yield from check_ensemble_models(repository)
    yield from check_onnx_graphs(repository)
