"""Requests over gRPC channels, serialised before the load begins."""

from __future__ import annotations

import asyncio
import struct

import grpc
import grpc.aio

from genod_client import GenODError
from genod_client.endpoint import Endpoint
from genod_client.errors import Status, error_from_status
from genod_client.operations import Infer, ModelRef
from genod_client.transports.grpc_channel import CHANNEL_OPTIONS, credentials, metadata, target
from genod_client.transports.grpc_codec import encode
from genod_client.transports.grpc_errors import error_from_code
from loadtest.open_loop.answer_check import GrpcAnswerCheck
from loadtest.open_loop.load import Load
from loadtest.open_loop.requested_outputs import outputs_of
from loadtest.open_loop.sender import Finish
from loadtest.payloads import STAMP_BYTES

METHOD = "/inference.GRPCInferenceService/ModelInfer"

# Calls share a channel's connection, and big photos wait for each other on it; beyond a few there is nothing to gain.
MAX_CHANNELS = 8


def encode_photo(model: str, content: bytes) -> bytes:
    """Return a whole message without its last STAMP_BYTES bytes, which follow the photo.

    Fields are serialised in the order of their numbers, and the photo's is the highest.
    """
    _, message = encode(Infer(ModelRef(model), content + bytes(STAMP_BYTES), outputs_of(model)))
    serialised: bytes = message.SerializeToString()
    assert serialised.endswith(content[-64:] + bytes(STAMP_BYTES))
    return serialised[:-STAMP_BYTES]


class GrpcSender:
    """Implements `Sender`."""

    def __init__(self, load: Load, endpoint: Endpoint, finish: Finish) -> None:
        self._finish = finish
        self._timeout_s = load.timeout_s
        self._requests = [encode_photo(load.address.model, photo.content) for photo in load.photos]
        self._salt = load.salt
        self._stamp = struct.Struct(f"<q{STAMP_BYTES - 8}s").pack
        self._check = GrpcAnswerCheck(load.address.model)
        self._metadata = metadata(endpoint)
        self._authority = endpoint.authority
        self._channels = [_open_channel(endpoint) for _ in range(min(load.connections, MAX_CHANNELS))]
        # Without serialisers messages are bytes.
        self._methods = [channel.unary_unary(METHOD) for channel in self._channels]
        self._loop = asyncio.get_running_loop()
        self._calls: dict[int, asyncio.Task[None]] = {}
        self.opened = len(self._channels)

    async def open(self, timeout_s: float) -> None:
        """See `Sender.open`."""
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*(channel.channel_ready() for channel in self._channels))
        except TimeoutError as error:
            message = f"gRPC to {self._authority}: no connection within {timeout_s:g} s"
            raise error_from_status(Status.UNAVAILABLE, message) from error

    def send(self, index: int, photo: int, stamp: int) -> None:
        """See `Sender.send`."""
        body = self._requests[photo] + self._stamp(stamp, self._salt)
        self._calls[index] = self._loop.create_task(self._call(index, body))

    async def _call(self, index: int, body: bytes) -> None:
        method = self._methods[index % len(self._methods)]
        failure: GenODError | None
        try:
            content = await method(body, timeout=self._timeout_s, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            failure = error_from_code(error.code(), error.details())
        else:
            failure = self._check(content)
        if self._calls.pop(index, None) is not None:
            self._finish(index, failure)

    def abandon(self, index: int) -> None:
        """See `Sender.abandon`. The server is told, as it is by any client's deadline."""
        if (call := self._calls.pop(index, None)) is not None:
            call.cancel()

    async def close(self) -> None:
        """See `Sender.close`."""
        for index in list(self._calls):
            self.abandon(index)
        for channel in self._channels:
            await channel.close()


def _open_channel(endpoint: Endpoint) -> grpc.aio.Channel:
    if (of_channel := credentials(endpoint)) is None:
        return grpc.aio.insecure_channel(target(endpoint), options=CHANNEL_OPTIONS)
    return grpc.aio.secure_channel(target(endpoint), of_channel, options=CHANNEL_OPTIONS)
