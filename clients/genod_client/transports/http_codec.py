"""Operations as HTTP messages: Triton's KServe v2 protocol with its binary tensor extension, free of any I/O.

An inference request and its answer are each a JSON header, which describes the tensors, followed by the
tensors' bytes one after the other. `Inference-Header-Content-Length` says where the JSON ends. Photos are
thus sent as they are, never as base64 or JSON, and float32 arrives bit by bit. See Triton's
protocol/extension_binary_data.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from urllib.parse import quote

from genod_client.errors import UnexpectedResponseError
from genod_client.operations import CheckReady, Infer, InferReply, ListModels, ModelRef, Operation, ReadParameters
from genod_client.tensors import Tensor, serialize_bytes_element
from genod_client.transports.http_errors import error_from_response

ReplyT = TypeVar("ReplyT")

HEADER_LENGTH = "inference-header-content-length"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request without the server's address: `path` begins with a slash, header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response; header names are lower case."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes


def encode(operation: Operation[Any]) -> HttpRequest:
    """Return the request that asks for an operation."""
    path = _model_path(operation.model)
    match operation:
        case Infer():
            return _encode_infer(operation, path)
        case ReadParameters():
            return HttpRequest("GET", f"{path}/config", {})
        case CheckReady():
            return HttpRequest("GET", f"{path}/ready", {})
        case ListModels():
            return HttpRequest("POST", "/v2/repository/index", {"content-type": "application/json"}, b'{"ready": true}')
    raise TypeError(f"unknown operation {operation!r}")


def decode(operation: Operation[ReplyT], response: HttpResponse) -> ReplyT:
    """Return the reply to an operation.

    Raises:
        GenODError: the response reports an error, or is not as the protocol says.
    """
    return cast(ReplyT, _decode(operation, response))


def _decode(operation: Operation[Any], response: HttpResponse) -> object:
    if isinstance(operation, CheckReady) and response.status_code == 400:
        return False  # Triton's "not ready"; only a proxy would say 503
    if response.status_code != 200:
        raise error_from_response(response.status_code, response.body)
    match operation:
        case Infer():
            return _decode_infer(response)
        case ReadParameters():
            return _decode_parameters(response)
        case CheckReady():
            return True
        case ListModels():
            return _decode_model_names(response)
    raise TypeError(f"unknown operation {operation!r}")


def _model_path(model: ModelRef) -> str:
    version = f"/versions/{quote(model.version, safe='')}" if model.version else ""
    return f"/v2/models/{quote(model.name, safe='')}{version}"


def _encode_infer(operation: Infer, path: str) -> HttpRequest:
    image = Tensor("BYTES", (1, 1), serialize_bytes_element(operation.image))
    inputs = {"image": image, **operation.more_inputs}
    header: dict[str, Any] = {
        "inputs": [
            {
                "name": name,
                "datatype": tensor.datatype,
                "shape": list(tensor.shape),
                "parameters": {"binary_data_size": len(tensor.data)},
            }
            for name, tensor in inputs.items()
        ]
    }
    if operation.outputs:
        header["outputs"] = [{"name": name, "parameters": {"binary_data": True}} for name in operation.outputs]
    else:
        header["parameters"] = {"binary_data_output": True}
    header_json = json.dumps(header).encode()
    headers = {"content-type": "application/octet-stream", HEADER_LENGTH: str(len(header_json))}
    body = b"".join([header_json, *(tensor.data for tensor in inputs.values())])
    return HttpRequest("POST", f"{path}/infer", headers, body)


def _decode_infer(response: HttpResponse) -> InferReply:
    if not (length := response.headers.get(HEADER_LENGTH, "")).isdecimal():
        raise UnexpectedResponseError(
            f"The answer has no header {HEADER_LENGTH}, so it holds no binary tensors. Is this a Triton server?"
        )
    header = _parse_json(response.body[: int(length)])
    try:
        tensors = {}
        start = int(length)
        for output in header["outputs"]:
            end = start + int(output["parameters"]["binary_data_size"])
            shape = tuple(int(size) for size in output["shape"])
            tensors[str(output["name"])] = Tensor(str(output["datatype"]), shape, response.body[start:end])
            start = end
        return InferReply(str(header.get("model_version", "")), tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedResponseError(
            f"Cannot read the description of the answer's tensors ({error!r}): {header!r}"
        ) from error


def _decode_parameters(response: HttpResponse) -> dict[str, str]:
    config = _parse_json(response.body)
    try:
        return {name: str(value["string_value"]) for name, value in config.get("parameters", {}).items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise UnexpectedResponseError(
            f"Cannot read the parameters in the model's configuration ({error!r}): {config!r}"
        ) from error


def _decode_model_names(response: HttpResponse) -> tuple[str, ...]:
    try:
        return tuple(sorted({str(model["name"]) for model in json.loads(response.body)}))
    except (ValueError, KeyError, TypeError) as error:
        raise UnexpectedResponseError(f"Cannot read the server's list of models: {response.body[:200]!r}") from error


def _parse_json(content: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise UnexpectedResponseError(f"The answer is not JSON: {content[:200]!r}. Is this a Triton server?") from error
    if not isinstance(parsed, dict):
        raise UnexpectedResponseError(f"The answer is not a JSON object: {content[:200]!r}. Is this a Triton server?")
    return parsed
