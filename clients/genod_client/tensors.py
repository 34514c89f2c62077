"""Tensors as they travel, in both protocols: little-endian bytes with a name, a type and a shape."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

from genod_client.errors import UnexpectedResponseError

# Triton's name of a type -> its code in module struct.
_STRUCT_CODES = {"FP32": "f", "INT32": "i", "BOOL": "?"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of an answer.

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

        At most 1,200 numbers arrive per photo: too few to import numpy for.

        Args:
            name: the tensor's name, for the error.
            datatype: type that the contract gives, one of FP32, INT32 and BOOL.
            shape: shape that the contract gives.

        Returns:
            Python floats (every float32 exactly), ints or bools, in row-major order.

        Raises:
            UnexpectedResponseError: type, shape or size in bytes is another one.
        """
        if (self.datatype, self.shape) != (datatype, shape):
            raise UnexpectedResponseError(
                f"The model's output {name!r} must be {datatype} {list(shape)}, "
                f"but the server sent {self.datatype} {list(self.shape)}."
            )
        layout = struct.Struct(f"<{math.prod(shape)}{_STRUCT_CODES[datatype]}")
        if len(self.data) != layout.size:
            raise UnexpectedResponseError(
                f"The model's output {name!r} of shape {list(shape)} takes {layout.size} bytes, "
                f"but the server sent {len(self.data)}."
            )
        return layout.unpack(self.data)


def serialize_bytes_element(element: bytes) -> bytes:
    """Return a BYTES tensor of one element: its length as a little-endian uint32, then itself."""
    return struct.pack("<I", len(element)) + element
