"""Over gRPC, with Triton's generated messages; the answers have the same form as over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from tritonclient.grpc import service_pb2, service_pb2_grpc

from genod_client.endpoint import Endpoint
from genod_client.transports.grpc_channel import CHANNEL_OPTIONS, credentials, metadata, target
from loadtest.errors import ServerApiError
from loadtest.triton_api.api import Json


class GrpcTritonApi:
    """Implements `TritonApi`."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        """Prepare a channel; it connects at the first question.

        Args:
            endpoint: the server.
            timeout_s: seconds for each answer.
        """
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        if (channel_credentials := credentials(endpoint)) is None:
            self._channel = grpc.insecure_channel(target(endpoint), options=CHANNEL_OPTIONS)
        else:
            self._channel = grpc.secure_channel(target(endpoint), channel_credentials, options=CHANNEL_OPTIONS)
        self._stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    def server_metadata(self) -> Json:
        """Return `name`, `version` and `extensions`."""
        return self._ask("ServerMetadata", service_pb2.ServerMetadataRequest())

    def statistics(self) -> list[Json]:
        """Return an entry for each loaded version of each model."""
        return list(self._ask("ModelStatistics", service_pb2.ModelStatisticsRequest()).get("model_stats", ()))

    def model_metadata(self, model: str) -> Json:
        """Return `name`, `versions`, `platform`, `inputs` and `outputs`."""
        return self._ask("ModelMetadata", service_pb2.ModelMetadataRequest(name=model))

    def model_config(self, model: str, version: str = "") -> Json:
        """Return the configuration as the server has completed it."""
        answer = self._ask("ModelConfig", service_pb2.ModelConfigRequest(name=model, version=version))
        config: Json = answer.get("config", {})
        return config

    def trace_settings(self, model: str) -> Mapping[str, Sequence[str]]:
        """Return the trace settings of a model: name -> values."""
        answer = self._ask("TraceSetting", service_pb2.TraceSettingRequest(model_name=model))
        return {name: setting.get("value", []) for name, setting in answer.get("settings", {}).items()}

    def update_trace_settings(self, model: str, settings: Mapping[str, Sequence[str]]) -> None:
        """Change trace settings of a model; a name without values returns to the server's own."""
        request = service_pb2.TraceSettingRequest(model_name=model)
        for name, values in settings.items():
            request.settings[name].value.extend(values)
        self._ask("TraceSetting", request)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def _ask(self, method: str, request: Any) -> Json:
        try:
            message = getattr(self._stub, method)(
                request, timeout=self._timeout_s, metadata=metadata(self._endpoint), wait_for_ready=False
            )
        except grpc.RpcError as error:
            raise ServerApiError(
                f"{self._endpoint.authority} does not answer {method} over gRPC: {error.code().name}: {error.details()}"
            ) from error
        # Zeros included, as HTTP has them.
        answer: Json = MessageToDict(
            message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        return answer
