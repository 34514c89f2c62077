"""The fake server over gRPC."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
from tritonclient.grpc import service_pb2

from loadtest.fake_server.answers import TRITON_TYPES, Description, output_tensors
from loadtest.fake_server.behaviour import ERROR_TEXT, REJECTION_TEXT, Admitted
from loadtest.fake_server.delayed_answers import DelayedAnswers

SERVICE = "inference.GRPCInferenceService"


def _infer_answer(model: str, without: str | None = None) -> bytes:
    tensors = {name: array for name, array in output_tensors().items() if name != without}
    output = service_pb2.ModelInferResponse.InferOutputTensor
    message = service_pb2.ModelInferResponse(
        model_name=model,
        model_version="1",
        outputs=[
            output(name=name, datatype=TRITON_TYPES[array.dtype.name], shape=array.shape)
            for name, array in tensors.items()
        ],
        raw_output_contents=[array.tobytes() for array in tensors.values()],
    )
    content: bytes = message.SerializeToString()
    return content


class GrpcService:
    """The methods that a load test calls; requests are not parsed."""

    def __init__(self, *, description: Description, answers: DelayedAnswers) -> None:
        self._description = description
        self._answers = answers
        model = description.options.model
        self._by_outcome = {"answer": _infer_answer(model), "bad_answer": _infer_answer(model, without="image_size")}

    async def infer(self, request: bytes, context: Any) -> bytes:
        """Answer `ModelInfer` when the queue says so."""
        done: asyncio.Future[Admitted] = asyncio.get_running_loop().create_future()

        def answer(admitted: Admitted) -> None:
            if not done.done():  # the caller may have gone
                done.set_result(admitted)

        self._answers.admit(answer)
        outcome = (await done).outcome
        if outcome == "error":
            await context.abort(grpc.StatusCode.INTERNAL, ERROR_TEXT)
        if outcome == "rejected":
            await context.abort(grpc.StatusCode.UNAVAILABLE, REJECTION_TEXT)
        return self._by_outcome[outcome]

    async def server_metadata(self, request: bytes, context: Any) -> bytes:
        """Answer `ServerMetadata`."""
        content: bytes = service_pb2.ServerMetadataResponse(**(self._description.get("/v2") or {})).SerializeToString()
        return content

    async def ready(self, request: bytes, context: Any) -> bytes:
        """Answer `ServerReady`, `ServerLive` and `ModelReady`, whose answers look the same on the wire."""
        content: bytes = service_pb2.ModelReadyResponse(ready=True).SerializeToString()
        return content

    async def statistics(self, request: bytes, context: Any) -> bytes:
        """Answer `ModelStatistics`."""
        of_http = self._description.get("/v2/models/stats")["model_stats"][0]  # type: ignore[index]
        message = service_pb2.ModelStatisticsResponse()
        model = message.model_stats.add(
            name=of_http["name"],
            version=of_http["version"],
            inference_count=of_http["inference_count"],
            execution_count=of_http["execution_count"],
        )
        for name, duration in of_http["inference_stats"].items():
            part = getattr(model.inference_stats, name)
            part.count, part.ns = duration["count"], duration["ns"]
        content: bytes = message.SerializeToString()
        return content

    async def model_config(self, request: bytes, context: Any) -> bytes:
        """Answer `ModelConfig`."""
        config = self._description.get(f"/v2/models/{self._description.options.model}/config")
        message = service_pb2.ModelConfigResponse()
        message.config.name = config["name"]  # type: ignore[index]
        message.config.backend = config["backend"]  # type: ignore[index]
        message.config.max_batch_size = 1
        message.config.parameters["taxonomy"].string_value = config["parameters"]["taxonomy"]["string_value"]  # type: ignore[index]
        content: bytes = message.SerializeToString()
        return content

    async def model_metadata(self, request: bytes, context: Any) -> bytes:
        """Answer `ModelMetadata`."""
        metadata = self._description.get(f"/v2/models/{self._description.options.model}")
        content: bytes = service_pb2.ModelMetadataResponse(**metadata).SerializeToString()  # type: ignore[arg-type]
        return content

    def handler(self) -> grpc.GenericRpcHandler:
        """Return what a grpc server serves. Messages stay bytes: most are never looked at."""
        methods = {
            "ModelInfer": self.infer,
            "ServerMetadata": self.server_metadata,
            "ServerReady": self.ready,
            "ServerLive": self.ready,
            "ModelReady": self.ready,
            "ModelStatistics": self.statistics,
            "ModelConfig": self.model_config,
            "ModelMetadata": self.model_metadata,
        }
        return grpc.method_handlers_generic_handler(
            SERVICE, {name: grpc.unary_unary_rpc_method_handler(method) for name, method in methods.items()}
        )


async def start_grpc(service: GrpcService, address: str) -> tuple[grpc.aio.Server, int]:
    """Serve at an address `host:port`; return the server and its port."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((service.handler(),))
    port = server.add_insecure_port(address)
    await server.start()
    return server, port
