"""gRPC for threads: one channel, which all callers share by design of grpc."""

from __future__ import annotations

from typing import TypeVar

import grpc
from tritonclient.grpc import service_pb2_grpc

from genod_client.endpoint import Endpoint
from genod_client.operations import Operation
from genod_client.transports.grpc_channel import CHANNEL_OPTIONS, credentials, metadata, target
from genod_client.transports.grpc_codec import decode, encode
from genod_client.transports.grpc_errors import grpc_errors_as_ours

ReplyT = TypeVar("ReplyT")


class GrpcTransport:
    """Implements `Transport`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        if (channel_credentials := credentials(endpoint)) is None:
            self._channel = grpc.insecure_channel(target(endpoint), options=CHANNEL_OPTIONS)
        else:
            self._channel = grpc.secure_channel(target(endpoint), channel_credentials, options=CHANNEL_OPTIONS)
        self._stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    def send(self, operation: Operation[ReplyT], timeout_s: float) -> ReplyT:
        """Carry out one operation, once; see `Transport.send`."""
        method, request = encode(operation)
        with grpc_errors_as_ours():
            message = getattr(self._stub, method)(request, timeout=timeout_s, metadata=metadata(self._endpoint))
        return decode(operation, message)

    def close(self) -> None:
        """Close the channel; calls in flight end with an error."""
        self._channel.close()
