"""The tensor types that this backend serves: Triton's name, ONNX Runtime's name and ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TensorType:
    """One element type under its three names.

    Attributes:
        triton: Name in ``config.pbtxt``.
        onnx: Name that ``InferenceSession.get_inputs()`` reports.
    """

    triton: str
    onnx: str


STRING = TensorType("TYPE_STRING", "tensor(string)")

TENSOR_TYPES = (
    TensorType("TYPE_BOOL", "tensor(bool)"),
    TensorType("TYPE_UINT8", "tensor(uint8)"),
    TensorType("TYPE_UINT16", "tensor(uint16)"),
    TensorType("TYPE_UINT32", "tensor(uint32)"),
    TensorType("TYPE_UINT64", "tensor(uint64)"),
    TensorType("TYPE_INT8", "tensor(int8)"),
    TensorType("TYPE_INT16", "tensor(int16)"),
    TensorType("TYPE_INT32", "tensor(int32)"),
    TensorType("TYPE_INT64", "tensor(int64)"),
    TensorType("TYPE_FP16", "tensor(float16)"),
    TensorType("TYPE_FP32", "tensor(float)"),
    TensorType("TYPE_FP64", "tensor(double)"),
    STRING,
)

ONNX_NAME_BY_TRITON_NAME = {tensor_type.triton: tensor_type.onnx for tensor_type in TENSOR_TYPES}
TRITON_NAME_BY_ONNX_NAME = {tensor_type.onnx: tensor_type.triton for tensor_type in TENSOR_TYPES}


def decode_strings(encoded: NDArray[Any]) -> NDArray[Any]:
    """Turn the bytes that Triton carries into the text that ONNX Runtime takes.

    Args:
        encoded: Any shape, elements ``bytes``.

    Returns:
        Same shape, elements ``str``.

    Raises:
        ValueError: An element is not UTF-8; ONNX Runtime's Python binding has no raw bytes.
    """
    decoded = np.empty(encoded.shape, dtype=np.object_)
    for index, element in enumerate(encoded.flat):
        try:
            decoded.flat[index] = element.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"element {index} of a string tensor is not UTF-8: {error}. Send UTF-8.") from error
    return decoded


def encode_strings(decoded: NDArray[Any]) -> NDArray[Any]:
    """Turn the text that ONNX Runtime returns into the bytes that Triton carries.

    Args:
        decoded: Any shape, elements ``str``.

    Returns:
        Same shape, elements ``bytes``.
    """
    encoded = np.empty(decoded.shape, dtype=np.object_)
    for index, element in enumerate(decoded.flat):
        encoded.flat[index] = str(element).encode("utf-8")
    return encoded
