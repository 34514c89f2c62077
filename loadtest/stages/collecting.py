"""Read a server's statistics and the graphs of its ensembles."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from loadtest.errors import ServerApiError
from loadtest.stages.ensemble_graph import EnsembleGraph
from loadtest.stages.snapshot import BatchCounters, ModelCounters, ModelKey, ServerSnapshot, Tally
from loadtest.triton_api import open_triton_api

PHASES = (
    "success",
    "fail",
    "queue",
    "compute_input",
    "compute_infer",
    "compute_output",
    "cache_hit",
    "cache_miss",
)
COMPUTE_PHASES = ("compute_input", "compute_infer", "compute_output")


def collect_statistics(
    url: str,
    *,
    timeout_s: float = 10.0,
    headers: Mapping[str, str] | None = None,
    ca_certificate: str | None = None,
) -> ServerSnapshot:
    """Read the counters of every loaded model.

    Through a load balancer each reading may come from another server, and the difference of two means nothing; most
    often a counter then goes backwards, which `difference` says.

    Args:
        url: `http://host:8000` or `grpc://host:8001`; the same counters over both.
        timeout_s: seconds for each answer.
        headers: sent along, for a server that restricts its statistics.
        ca_certificate: PEM file of the authorities to trust for TLS.

    Raises:
        ServerApiError: the server gives no statistics.
        UsageError: the address cannot be used.
    """
    with open_triton_api(url, timeout_s=timeout_s, headers=headers, ca_certificate=ca_certificate) as api:
        entries = api.statistics()
        taken_s = time.monotonic()
        try:
            models = {ModelKey(entry["name"], str(entry["version"])): _counters(entry) for entry in entries}
            graphs = {key: EnsembleGraph.from_config(api.model_config(key.name, key.version)) for key in models}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ServerApiError(f"The statistics of {url} are not those of a Triton server: {error!r}.") from error
    ensembles = {key: graph for key, graph in graphs.items() if graph is not None}
    return ServerSnapshot(taken_s=taken_s, models=models, ensembles=ensembles)


def _counters(entry: Mapping[str, Any]) -> ModelCounters:
    phases = entry["inference_stats"]
    return ModelCounters(
        inference_count=int(entry.get("inference_count", 0)),
        execution_count=int(entry.get("execution_count", 0)),
        **{phase: _tally(phases.get(phase, {})) for phase in PHASES},
        batches={
            int(batch["batch_size"]): BatchCounters(**{phase: _tally(batch.get(phase, {})) for phase in COMPUTE_PHASES})
            for batch in entry.get("batch_stats", ())
        },
    )


def _tally(value: Mapping[str, Any]) -> Tally:
    # A server without traffic sends no tally over gRPC, where a message may be unset.
    return Tally(int(value.get("count", 0)), int(value.get("ns", 0)))
