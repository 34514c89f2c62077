"""Operations as messages of Triton's gRPC service, free of any I/O.

Only the generated messages and stub of tritonclient are used, not its client: the stub works with blocking
and asyncio channels alike, leaves the channel's options to us, and its errors carry a status code, where
tritonclient's carry text.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from tritonclient.grpc import service_pb2

from genod_client.errors import UnexpectedResponseError
from genod_client.operations import CheckReady, Infer, InferReply, ListModels, Operation, ReadParameters
from genod_client.tensors import Tensor, serialize_bytes_element

ReplyT = TypeVar("ReplyT")


def encode(operation: Operation[Any]) -> tuple[str, Any]:
    """Return the name of the service's method for an operation, and the message to call it with."""
    model = operation.model
    match operation:
        case Infer():
            image = Tensor("BYTES", (1, 1), serialize_bytes_element(operation.image))
            inputs = {"image": image, **operation.more_inputs}
            return "ModelInfer", service_pb2.ModelInferRequest(
                model_name=model.name,
                model_version=model.version,
                inputs=[
                    service_pb2.ModelInferRequest.InferInputTensor(
                        name=name, datatype=tensor.datatype, shape=tensor.shape
                    )
                    for name, tensor in inputs.items()
                ],
                outputs=[
                    service_pb2.ModelInferRequest.InferRequestedOutputTensor(name=name) for name in operation.outputs
                ],
                raw_input_contents=[tensor.data for tensor in inputs.values()],
            )
        case ReadParameters():
            return "ModelConfig", service_pb2.ModelConfigRequest(name=model.name, version=model.version)
        case CheckReady():
            return "ModelReady", service_pb2.ModelReadyRequest(name=model.name, version=model.version)
        case ListModels():
            return "RepositoryIndex", service_pb2.RepositoryIndexRequest(ready=True)
    raise TypeError(f"unknown operation {operation!r}")


def decode(operation: Operation[ReplyT], message: Any) -> ReplyT:
    """Return the reply to an operation.

    Raises:
        UnexpectedResponseError: the message is not as the protocol says.
    """
    return cast(ReplyT, _decode(operation, message))


def _decode(operation: Operation[Any], message: Any) -> object:
    match operation:
        case Infer():
            if len(message.outputs) != len(message.raw_output_contents):
                raise UnexpectedResponseError(
                    f"The answer describes {len(message.outputs)} tensors, "
                    f"but holds {len(message.raw_output_contents)}."
                )
            tensors = {
                output.name: Tensor(output.datatype, tuple(output.shape), content)
                for output, content in zip(message.outputs, message.raw_output_contents, strict=True)
            }
            return InferReply(message.model_version, tensors)
        case ReadParameters():
            return {name: value.string_value for name, value in message.config.parameters.items()}
        case CheckReady():
            return bool(message.ready)
        case ListModels():
            return tuple(sorted({model.name for model in message.models}))
    raise TypeError(f"unknown operation {operation!r}")
