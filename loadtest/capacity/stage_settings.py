"""How a stage is configured on the server: instances, batching, queue, threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class StageSettings:
    """The part of a model's config that queueing depends on."""

    instances: int
    max_batch: int
    preferred_batch_sizes: tuple[int, ...]
    max_queue_delay_ms: float
    max_queue_size: int
    queue_timeout_ms: float
    threads: int
    """Of one execution; 0: as many as there are cores."""
    is_on_gpu: bool

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> StageSettings:
        """Read a model's configuration as the server gives it, over HTTP or gRPC."""
        groups: Sequence[Mapping[str, Any]] = config.get("instance_group") or ({"count": 1, "kind": "KIND_CPU"},)
        batching = config.get("dynamic_batching")
        queue = (batching or {}).get("default_queue_policy") or {}
        refuses = queue.get("timeout_action", "REJECT") == "REJECT"
        parameters = config.get("parameters") or {}
        threads = parameters.get("intra_op_thread_count", {}).get("string_value", "1")
        sizes = tuple(sorted(int(size) for size in (batching or {}).get("preferred_batch_size", ())))
        delay_ms = int((batching or {}).get("max_queue_delay_microseconds", 0)) / 1e3
        # Without dynamic batching, and with 1 as the only preferred size and no delay, each request runs by itself,
        # whatever max_batch_size allows a caller to send.
        runs_alone = batching is None or (sizes == (1,) and not delay_ms)
        return cls(
            instances=sum(int(group.get("count", 1)) * max(1, len(group.get("gpus", ()))) for group in groups),
            max_batch=1 if runs_alone else max(1, int(config.get("max_batch_size", 0))),
            preferred_batch_sizes=() if runs_alone else sizes,
            max_queue_delay_ms=delay_ms,
            max_queue_size=int(queue.get("max_queue_size", 0)),
            queue_timeout_ms=int(queue.get("default_timeout_microseconds", 0)) / 1e3 if refuses else 0.0,
            threads=int(threads) if str(threads).isdigit() else 1,
            is_on_gpu=any(group.get("kind") == "KIND_GPU" for group in groups),
        )
