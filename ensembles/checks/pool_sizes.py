"""Whether the intermediates of all images in flight fit Triton's memory pools, where a GPU takes part."""

from __future__ import annotations

from collections.abc import Iterator

from ensembles.checks.refusal import refusal
from ensembles.memory_pools import IntermediateTensor, MemoryPools, intermediate_tensors
from ensembles.model import Model
from ensembles.problem import Problem
from ensembles.repository import Repository


def check_pool_sizes(repository: Repository, pools: MemoryPools) -> Iterator[Problem]:
    """Compare each ensemble's need with both pools, as `ensembles.memory_pools` computes it."""
    for ensemble in repository.ensembles():
        tensors = list(intermediate_tensors(ensemble, repository))
        if not any(tensor.on_gpu for tensor in tensors):
            continue  # without a GPU there is no CUDA pool, and pinned memory is ordinary memory
        yield from _check_sizes_known(ensemble, tensors)
        on_gpu = [tensor for tensor in tensors if tensor.on_gpu]
        on_host = [tensor for tensor in tensors if not tensor.on_gpu]
        yield from _check_pool(ensemble, on_gpu, "--cuda-memory-pool-byte-size=<gpu>:", pools.cuda_bytes, pools)
        yield from _check_pool(ensemble, on_host, "--pinned-memory-pool-byte-size=", pools.pinned_bytes, pools)


def _check_sizes_known(ensemble: Model, tensors: list[IntermediateTensor]) -> Iterator[Problem]:
    for tensor in tensors:
        if tensor.bytes_per_image is None:
            yield refusal(
                ensemble,
                "intermediate-size-unknown",
                tensor=tensor.writer.tensor,
                expected=f"a largest size of what {tensor.writer} writes, to compute the memory pools",
                received=f"{tensor.writer.spec}, and no reader has a warm-up with its sizes",
                advice="give a model that reads it a model_warmup of its largest input",
            )


def _check_pool(
    ensemble: Model, tensors: list[IntermediateTensor], option: str, pool_bytes: int, pools: MemoryPools
) -> Iterator[Problem]:
    per_image = sum(tensor.bytes_per_image or 0 for tensor in tensors)
    needed = per_image * pools.images_in_flight
    if needed > pool_bytes:
        yield refusal(
            ensemble,
            "pool-too-small",
            expected=f"{option}{needed}: {per_image} bytes per image x {pools.images_in_flight} in flight",
            received=f"{pool_bytes} bytes",
            advice="start Triton with the larger pool and tell this check so (--cuda-pool-bytes, "
            "--pinned-pool-bytes), or admit fewer images (--images-in-flight)",
        )
