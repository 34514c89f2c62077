"""Which server was measured: its version, its models' versions, and a hash of their configurations."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from google.protobuf.json_format import ParseDict, ParseError
from tritonclient.grpc.model_config_pb2 import ModelConfig

from loadtest.errors import ServerApiError
from loadtest.results import ModelInfo, ServerInfo
from loadtest.stages.ensemble_graph import EnsembleGraph
from loadtest.triton_api import TritonApi, open_triton_api
from loadtest.triton_api.api import Json


def read_server_info(
    url: str,
    model: str,
    *,
    timeout_s: float = 10.0,
    headers: Mapping[str, str] | None = None,
    ca_certificate: str | None = None,
) -> ServerInfo:
    """Ask a server about itself, a model, and the models below it.

    The hash covers configurations as the server runs them, and not the weights: two releases with one hash may differ
    in the versions of their models, which are listed.

    Args:
        url: `http://host:8000` or `grpc://host:8001`; the same answer over both.
        model: the model that the load calls.
        timeout_s: seconds for each answer.
        headers: sent along, for a server that restricts its interfaces.
        ca_certificate: PEM file of the authorities to trust for TLS.

    Raises:
        ServerApiError: the server does not tell.
        UsageError: the address cannot be used.
    """
    with open_triton_api(url, timeout_s=timeout_s, headers=headers, ca_certificate=ca_certificate) as api:
        server = api.server_metadata()
        models: dict[str, ModelInfo] = {}
        _add_with_composing(api, model, models)
    overall = hashlib.sha256()
    for name in sorted(models):
        overall.update(f"{name} {models[name].config_sha256}\n".encode())
    return ServerInfo(
        name=str(server.get("name", "")),
        version=str(server.get("version", "")),
        extensions=tuple(server.get("extensions", ())),
        models=tuple(models.values()),
        config_sha256=overall.hexdigest(),
    )


def _add_with_composing(api: TritonApi, name: str, models: dict[str, ModelInfo]) -> None:
    metadata, config = api.model_metadata(name), api.model_config(name)
    models[name] = ModelInfo(
        name=name,
        versions=tuple(str(version) for version in metadata.get("versions", ())),
        platform=str(metadata.get("platform", "")),
        config_sha256=_config_sha256(name, config),
    )
    if graph := EnsembleGraph.from_config(config):
        for step in graph.steps:
            if step.model not in models:
                _add_with_composing(api, step.model, models)


def _config_sha256(name: str, config: Json) -> str:
    """Hash a configuration by way of its message: JSON over HTTP and gRPC differ in form, the message does not."""
    try:
        message = ParseDict(config, ModelConfig(), ignore_unknown_fields=True)
    except ParseError as error:
        raise ServerApiError(f"The configuration of model {name!r} is not that of a Triton server: {error}") from error
    return hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()
