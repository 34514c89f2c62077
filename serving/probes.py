"""A real inference as a probe: the only thing that tells whether a model still answers.

Triton's ready endpoints stay 200 when a model's process has died. As a command, for a Kubernetes exec probe
or a cron job::

    python -m serving.probes --url 127.0.0.1:8000 --model detect --timeout-s 5

exits with 0 when the model answered, 1 when not. HTTP, not gRPC: giving up on an HTTP request cancels nothing
in the server.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import urllib.request
import zlib
from http.client import HTTPException
from typing import Any

import numpy as np
import tritonclient.http as triton_http
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

from serving.errors import ModelRefusedError, ServiceBrokenError, ServingError

# What tritonserver 2.51 answers for a model whose stub is gone.
DEAD_STUB_MARK = "is not healthy"


def probe_model(http_url: str, model: str, *, timeout_s: float) -> None:
    """Run one inference on sample values: a small grey PNG for every BYTES element, zeros for every number.

    Args:
        http_url: ``host:port`` of HTTP.
        model: Model or ensemble; an ensemble tests every model in it.
        timeout_s: How long each network operation may take.

    Raises:
        ModelRefusedError: The model is alive and answered an error, for example because it wants other
            values.
        ServiceBrokenError: No answer in time, no connection, or the model's process is dead.
    """
    client = triton_http.InferenceServerClient(http_url, connection_timeout=timeout_s, network_timeout=timeout_s)
    try:
        metadata = client.get_model_metadata(model)
        client.infer(model, [_sample_input(tensor) for tensor in metadata["inputs"]])
    except InferenceServerException as error:
        kind = ServiceBrokenError if DEAD_STUB_MARK in error.message() else ModelRefusedError
        raise kind(f"model '{model}' at {http_url} answered: {error.message()}") from error
    except (OSError, HTTPException) as error:
        raise ServiceBrokenError(
            f"model '{model}' at {http_url} gave no answer within {timeout_s:g} s: {error}"
        ) from error
    finally:
        client.close()


def find_ensembles(http_url: str, *, timeout_s: float) -> list[str]:
    """Ask a server for the names of its ensembles.

    Args:
        http_url: ``host:port`` of HTTP.
        timeout_s: How long each question may take.

    Returns:
        Names, in the server's order.

    Raises:
        ServiceBrokenError: The server does not answer.
    """
    try:
        index = _ask(f"http://{http_url}/v2/repository/index", timeout_s, method="POST")
        names = [str(entry["name"]) for entry in index if entry.get("state") == "READY"]
        return [
            name
            for name in names
            if _ask(f"http://{http_url}/v2/models/{name}/config", timeout_s).get("platform") == "ensemble"
        ]
    except (OSError, HTTPException) as error:
        raise ServiceBrokenError(f"the server at {http_url} does not answer: {error}") from error


def grey_png(side_px: int = 32) -> bytes:
    """Make a small, valid, uniformly grey image file.

    Args:
        side_px: Width and height.

    Returns:
        A PNG, 8 bits grey.
    """

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 0, 0, 0, 0)
    # Each row begins with its filter type, 0.
    rows = (b"\0" + b"\x80" * side_px) * side_px
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _sample_input(tensor: dict[str, Any]) -> triton_http.InferInput:
    shape = [max(1, int(size)) for size in tensor["shape"]]
    if tensor["datatype"] == "BYTES":
        values = np.full(shape, grey_png(), dtype=np.object_)
    else:
        values = np.zeros(shape, dtype=triton_to_np_dtype(tensor["datatype"]))
    sample = triton_http.InferInput(tensor["name"], shape, tensor["datatype"])
    sample.set_data_from_numpy(values)
    return sample


def _ask(url: str, timeout_s: float, *, method: str = "GET") -> Any:
    request = urllib.request.Request(url, method=method)
    with urllib.request.urlopen(request, timeout=timeout_s) as response:
        return json.load(response)


def main() -> int:
    """Run one probe from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m serving.probes", description="Send one real inference.")
    parser.add_argument("--url", default="127.0.0.1:8000", help="host:port of HTTP (default: %(default)s)")
    parser.add_argument("--model", default="detect", help="model to ask (default: %(default)s)")
    parser.add_argument("--timeout-s", type=float, default=5.0, help="seconds to wait (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        probe_model(arguments.url, arguments.model, timeout_s=arguments.timeout_s)
    except ServingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
