"""Sample values for any model, made from its metadata: what a probe sends."""

from __future__ import annotations

import json
import math
import os
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from serving.errors import ModelRefusedError, ServiceBrokenError

BYTES_PER_VALUE = {
    "BOOL": 1, "UINT8": 1, "INT8": 1,
    "UINT16": 2, "INT16": 2, "FP16": 2, "BF16": 2,
    "UINT32": 4, "INT32": 4, "FP32": 4,
    "UINT64": 8, "INT64": 8, "FP64": 8,
}  # fmt: skip


def sample_request(metadata: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    """Write an inference request: a small PNG of noise for every BYTES element, zeros for every number.

    Args:
        metadata: Answer of ``/v2/models/<model>``; a size of -1 becomes 1.

    Returns:
        Headers and body of the request. Outputs are asked for as binary, since nobody reads them.

    Raises:
        ModelRefusedError: An input has a type that is not known here.
        ServiceBrokenError: This is no metadata; somebody else answers at that address.
    """
    inputs, contents = [], []
    try:
        tensors = [
            (str(tensor["name"]), str(tensor["datatype"]), list(tensor["shape"])) for tensor in metadata["inputs"]
        ]
        shapes = [[max(1, int(size)) for size in sizes] for _, _, sizes in tensors]
    except (KeyError, TypeError, ValueError) as error:
        raise ServiceBrokenError(f"what it answered is not the metadata of a model: {metadata!r:.80}") from error
    for (name, datatype, _), shape in zip(tensors, shapes, strict=True):
        content = _content(name, datatype, math.prod(shape))
        parameters = {"binary_data_size": len(content)}
        inputs.append({"name": name, "datatype": datatype, "shape": shape, "parameters": parameters})
        contents.append(content)
    header = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    return (
        {"Inference-Header-Content-Length": str(len(header)), "Content-Type": "application/octet-stream"},
        b"".join((header, *contents)),
    )


def grey_png(side_px: int = 32) -> bytes:
    """Make a small, valid, uniformly grey image file.

    Args:
        side_px: Width and height.

    Returns:
        A PNG, 8 bits grey.
    """
    return _png(b"\x80" * side_px * side_px, side_px)


def noise_png(side_px: int = 32) -> bytes:
    """The same with random pixels, so that no two are equal.

    A response cache, of the ensemble or of any model in it, would answer a picture that it knows, whether or not the
    model's process is alive.
    """
    return _png(os.urandom(side_px * side_px), side_px)


def _png(pixels: bytes, side_px: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 0, 0, 0, 0)
    # Each row begins with its filter type, 0.
    rows = b"".join(b"\0" + pixels[start : start + side_px] for start in range(0, len(pixels), side_px))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _content(name: str, datatype: str, count: int) -> bytes:
    if datatype == "BYTES":
        image = noise_png()
        return (struct.pack("<I", len(image)) + image) * count
    if datatype not in BYTES_PER_VALUE:
        raise ModelRefusedError(
            f"input '{name}' has datatype {datatype}; a probe knows BYTES and {', '.join(BYTES_PER_VALUE)}"
        )
    return b"\0" * (BYTES_PER_VALUE[datatype] * count)
