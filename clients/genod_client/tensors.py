"""Tensors as they travel, in both protocols: little-endian bytes with a name, a type and a shape."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from genod_client.errors import UnexpectedResponseError

# Triton's name of a type -> its code in module struct.
_STRUCT_CODES = {"FP32": "f", "INT32": "i", "BOOL": "?", "UINT8": "B"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of an answer, or of a question.

    Attributes:
        datatype: Triton's name of the type, e.g. `FP32`.
        shape: sizes, the batch dimension first.
        data: the elements in row-major order, little-endian.
    """

    datatype: str
    shape: tuple[int, ...]
    data: bytes

    def values(self, name: str, datatype: str, shape: tuple[int, ...]) -> tuple[Any, ...]:
        """Return the elements, after checking that the tensor is what the contract says.

        At most 1,200 numbers of a photo are read so: too few to import numpy for.

        Args:
            name: the tensor's name, for the error.
            datatype: type that the contract gives, one of FP32, INT32, BOOL and UINT8.
            shape: shape that the contract gives.

        Returns:
            Python floats (every float32 exactly), ints or bools, in row-major order.

        Raises:
            UnexpectedResponseError: type, shape or size in bytes is another one.
        """
        layout = _layout(datatype, shape)
        return layout.unpack(self.content(name, datatype, shape))

    def content(self, name: str, datatype: str, shape: tuple[int, ...]) -> bytes:
        """Return the elements as they came, row-major and little-endian, after the same check.

        Raises:
            UnexpectedResponseError: type, shape or size in bytes is another one.
        """
        if (self.datatype, self.shape) != (datatype, shape):
            raise UnexpectedResponseError(
                f"The model's output {name!r} must be {datatype} {list(shape)}, "
                f"but the server sent {self.datatype} {list(self.shape)}."
            )
        size = _layout(datatype, shape).size
        if len(self.data) != size:
            raise UnexpectedResponseError(
                f"The model's output {name!r} of shape {list(shape)} takes {size} bytes, "
                f"but the server sent {len(self.data)}."
            )
        return self.data


def _layout(datatype: str, shape: tuple[int, ...]) -> struct.Struct:
    return struct.Struct(f"<{math.prod(shape)}{_STRUCT_CODES[datatype]}")


def float32_tensor(shape: tuple[int, ...], values: Iterable[float]) -> Tensor:
    """Return an FP32 tensor to send.

    Args:
        shape: sizes, the batch dimension first.
        values: elements in row-major order.
    """
    return Tensor("FP32", shape, _layout("FP32", shape).pack(*values))


def serialize_bytes_element(element: bytes) -> bytes:
    """Return a BYTES tensor of one element: its length as a little-endian uint32, then itself."""
    return struct.pack("<I", len(element)) + element
