"""Type and shape of a tensor, as Triton compares them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

ANY_SIZE = -1
"""A dimension whose size is known only at run time."""

BYTES_PER_ELEMENT = {
    "BOOL": 1,
    "UINT8": 1,
    "INT8": 1,
    "UINT16": 2,
    "INT16": 2,
    "FP16": 2,
    "BF16": 2,
    "UINT32": 4,
    "INT32": 4,
    "FP32": 4,
    "UINT64": 8,
    "INT64": 8,
    "FP64": 8,
}
"""Sizes of Triton's fixed-size types. STRING is absent: its elements have any length."""


@dataclass(frozen=True)
class TensorSpec:
    """One end of a tensor."""

    data_type: str
    """Triton's name without `TYPE_`: FP32, STRING, ..."""
    dims: tuple[int, ...]
    """Shape as config.pbtxt gives it: without the batch dimension where the model batches."""
    batched: bool
    """Whether a batch dimension stands before `dims`."""

    @property
    def full_dims(self) -> tuple[int, ...]:
        """Shape with the batch dimension."""
        return (ANY_SIZE, *self.dims) if self.batched else self.dims

    def __str__(self) -> str:
        dims = ",".join(str(size) for size in self.dims)
        return f"{self.data_type} [{dims}]" + (" per batch row" if self.batched else "")


def sizes_agree(ours: Sequence[int], theirs: Sequence[int]) -> bool:
    """Whether two shapes can be equal at run time: same rank, each pair equal or one of them `ANY_SIZE`."""
    return len(ours) == len(theirs) and all(
        ANY_SIZE in (one, other) or one == other for one, other in zip(ours, theirs, strict=True)
    )


def shapes_agree(one: TensorSpec, other: TensorSpec) -> bool:
    """Whether Triton connects these two ends.

    A model without batching may take the batch as an ordinary first dimension, so shapes with the batch
    dimension are compared too (core: `ValidateTensorConsistency`).
    """
    return sizes_agree(one.dims, other.dims) or sizes_agree(one.full_dims, other.full_dims)


def dims_within(spec: TensorSpec, *, batched: bool) -> tuple[int, ...]:
    """Dims of `spec` as an ensemble that batches (or does not) writes them.

    Where that is impossible, since a batching ensemble cannot publish a tensor whose first size is fixed, the
    dims come back as they are and the shape check refuses them.
    """
    if batched and not spec.batched and spec.dims[:1] == (ANY_SIZE,):
        return spec.dims[1:]
    if not batched and spec.batched:
        return spec.full_dims
    return spec.dims


def size_bytes(data_type: str, dims: Sequence[int]) -> int | None:
    """Size of one tensor; None where it is not fixed by type and dims."""
    if data_type not in BYTES_PER_ELEMENT or ANY_SIZE in dims:
        return None
    return BYTES_PER_ELEMENT[data_type] * math.prod(dims)
