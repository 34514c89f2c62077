"""What a model on a GPU needs so that its first requests, and its small ones, are not slow.

CUDA kernels, cuDNN plans and CUDA graphs are chosen on the first run of each batch size, which takes seconds;
without a dynamic batcher concurrent requests run one after the other on a device that would take them
together.
"""

from __future__ import annotations

from collections.abc import Iterator

from ensembles.checks.refusal import listed, refusal
from ensembles.problem import Problem
from ensembles.repository import Repository


def check_gpu_models(repository: Repository) -> Iterator[Problem]:
    """A model on a GPU with max_batch_size > 1 batches dynamically and warms up for batch 1 and that."""
    for model in repository.models.values():
        largest = model.config.max_batch_size
        if not model.on_gpu or largest <= 1:
            continue
        if not model.config.HasField("dynamic_batching"):
            yield refusal(
                model,
                "gpu-without-batching",
                expected="dynamic_batching, since the model runs on a GPU with max_batch_size > 1",
                received="none",
                advice="add dynamic_batching { }",
            )
        elif list(sizes := model.config.dynamic_batching.preferred_batch_size) == [1]:
            yield refusal(
                model,
                "gpu-without-batching",
                expected="batches of several requests, since the model runs on a GPU with max_batch_size > 1",
                received=f"preferred_batch_size: {list(sizes)}, with which every request runs alone",
                advice="name larger sizes too, or none; 1 alone is for a CPU, where batches cost more",
            )
        warmed = {warmup.batch_size for warmup in model.config.model_warmup}
        if not {1, largest} <= warmed:
            yield refusal(
                model,
                "gpu-without-warmup",
                expected=f"warm-ups for batch 1 and batch {largest}, since the model runs on a GPU",
                received=f"warm-ups for batch {listed(warmed)}",
                advice="add model_warmup entries of the missing batch sizes",
            )
