"""Real calls of a server in few words, and what the system tells about its processes."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from numpy.typing import NDArray

from serving import ServerOptions
from serving.stub_processes import find_stubs

TRITON_TYPES = {
    "b": "BOOL",
    "u1": "UINT8",
    "i4": "INT32",
    "i8": "INT64",
    "f2": "FP16",
    "f4": "FP32",
    "O": "BYTES",
}


def free_ports(repository: Path, **settings) -> ServerOptions:
    """Options with free ports and a short stop."""
    defaults = {
        "http_port": 0,
        "grpc_port": 0,
        "metrics_port": 0,
        "exit_timeout_s": 5,
        "ready_timeout_s": 120,
        "log_file": repository.with_suffix(".log"),
    }
    return ServerOptions(repository, **{**defaults, **settings})


def triton_type(array: NDArray) -> str:
    return TRITON_TYPES.get(array.dtype.kind) or TRITON_TYPES[f"{array.dtype.kind}{array.dtype.itemsize}"]


def infer_http(
    url: str, model: str, tensors: Mapping[str, NDArray], outputs: list[str], *, timeout_s: float = 30
) -> dict[str, NDArray]:
    client = triton_http.InferenceServerClient(url, connection_timeout=timeout_s, network_timeout=timeout_s)
    try:
        return _infer(client, triton_http, model, tensors, outputs)
    finally:
        client.close()


def infer_grpc(
    url: str, model: str, tensors: Mapping[str, NDArray], outputs: list[str], *, timeout_s: float = 30
) -> dict[str, NDArray]:
    with triton_grpc.InferenceServerClient(url) as client:
        return _infer(client, triton_grpc, model, tensors, outputs, client_timeout=timeout_s)


def _infer(client, protocol, model, tensors, outputs, **settings) -> dict[str, NDArray]:
    inputs = []
    for name, array in tensors.items():
        inputs.append(protocol.InferInput(name, list(array.shape), triton_type(array)))
        inputs[-1].set_data_from_numpy(array)
    wanted = [protocol.InferRequestedOutput(name) for name in outputs]
    result = client.infer(model, inputs, outputs=wanted, **settings)
    return {name: result.as_numpy(name) for name in outputs}


def column(*values: float, dtype: type = np.float32) -> NDArray:
    """One value a row: shape [N, 1]."""
    return np.array(values, dtype=dtype).reshape(-1, 1)


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def shared_memory_of(server_pid: int) -> list[Path]:
    return [Path("/dev/shm") / stub.region_name for stub in find_stubs(server_pid)]


def wait_until(condition: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.02)


def end_now(pid: int) -> None:
    os.kill(pid, 9)
