"""Is an answer what `detect` promises? In full for the first of its kind, by sizes and counts for those like it.

Decoding 300 rows into Python objects for each answer would cost the generator more than sending the request. Answers
of one server differ in their numbers, not in their layout, so a layout that was decoded properly once is known.
"""

from __future__ import annotations

import struct

from genod_client import GenODError, UnexpectedResponseError
from genod_client.answer import Answer
from genod_client.operations import Infer, InferReply, ModelRef
from genod_client.transports import http_codec
from genod_client.transports.http_errors import error_from_response
from loadtest.open_loop.requested_outputs import missing_output_error, outputs_of

_COUNT = struct.Struct("<i")
_MAX_KNOWN = 1000  # of layouts; a server that invents new ones all the time is decoded in full each time


def count_error(count: int, rows: int) -> GenODError:
    """Return the error for an answer whose number of detections cannot be."""
    return UnexpectedResponseError(f"num_detections must be between 0 and the {rows} rows, but is {count}.")


class HttpAnswerCheck:
    """Checks answers in the binary tensor extension."""

    def __init__(self, model: str) -> None:
        self._operation = Infer(ModelRef(model), b"", outputs_of(model))
        # JSON header -> (length of the body, offset of num_detections, rows).
        self._known: dict[bytes, tuple[int, int, int]] = {}

    def __call__(self, status: int, json_length: int | None, body: bytes) -> GenODError | None:
        """Return what is wrong with an answer; None for nothing.

        Args:
            status: of HTTP.
            json_length: the header `Inference-Header-Content-Length`; None without it.
            body: the whole body.
        """
        if status != 200:
            return error_from_response(status, body)
        header = body[: json_length or 0]
        if layout := self._known.get(header):
            length, offset, rows = layout
            if len(body) == length:
                (count,) = _COUNT.unpack_from(body, offset)
                return None if 0 <= count <= rows else count_error(count, rows)
        headers = {} if json_length is None else {http_codec.HEADER_LENGTH: str(json_length)}
        try:
            reply = http_codec.decode(self._operation, http_codec.HttpResponse(status, headers, body))
            Answer(reply)
        except GenODError as error:
            return error
        if missing := missing_output_error(self._operation.model.name, reply.tensors):
            return missing
        if len(self._known) < _MAX_KNOWN:
            self._known[header] = (len(body), _offset(reply, len(header)), reply.tensors["scores"].shape[-1])
        return None


def _offset(reply: InferReply, start: int) -> int:
    """Return where num_detections lies in the body; tensors follow each other in the order of the header."""
    for name, tensor in reply.tensors.items():
        if name == "num_detections":
            break
        start += len(tensor.data)
    return start


class GrpcAnswerCheck:
    """Checks answers of `ModelInfer`."""

    def __init__(self, model: str) -> None:
        from tritonclient.grpc import service_pb2

        from genod_client.transports import grpc_codec

        self._decode = grpc_codec.decode
        self._parse = service_pb2.ModelInferResponse.FromString
        self._operation = Infer(ModelRef(model), b"", outputs_of(model))
        # (names, sizes in bytes) -> (index of num_detections, rows).
        self._known: dict[tuple[tuple[str, ...], tuple[int, ...]], tuple[int, int]] = {}

    def __call__(self, content: bytes) -> GenODError | None:
        """Return what is wrong with a serialised answer; None for nothing."""
        try:
            message = self._parse(content)
        except Exception as error:  # protobuf's DecodeError, whose home differs between its versions
            return UnexpectedResponseError(f"The answer is not a message of Triton's gRPC service: {error}")
        tensors = list(message.raw_output_contents)
        layout = (tuple([output.name for output in message.outputs]), tuple([len(tensor) for tensor in tensors]))
        if known := self._known.get(layout):
            index, rows = known
            (count,) = _COUNT.unpack(tensors[index])
            return None if 0 <= count <= rows else count_error(count, rows)
        try:
            reply = self._decode(self._operation, message)
            Answer(reply)
        except GenODError as error:
            return error
        if missing := missing_output_error(self._operation.model.name, reply.tensors):
            return missing
        if len(self._known) < _MAX_KNOWN:
            self._known[layout] = (list(reply.tensors).index("num_detections"), reply.tensors["scores"].shape[-1])
        return None
