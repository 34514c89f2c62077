"""The four sides: how each is started, asked and understood."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput

from loadtest.benchmarks.own_server import own_server
from loadtest.benchmarks.peers.http_load import Post
from loadtest.benchmarks.peers.peer_process import peer_process

TRITON = "Triton"
PEERS = {
    "ONNX Runtime + FastAPI": "fastapi_onnx",
    "PyTorch eager + FastAPI": "fastapi_torch",
    "PyTorch eager + LitServe": "litserve_torch",
}
OUTPUTS = ("boxes", "scores", "class_ids", "is_propagated", "num_detections", "image_size")
_HEADER_LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a side says of one photo: R detections, best first."""

    boxes: np.ndarray[Any, Any]
    """(R, 4), pixels of the original."""
    scores: np.ndarray[Any, Any]
    class_ids: np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Side:
    """A running server."""

    name: str
    posts: tuple[Post, ...]
    read: Callable[[bytes], Answer]
    pause: Callable[[], None]
    resume: Callable[[], None]


@contextlib.contextmanager
def running_sides(photos: Sequence[bytes], console: Console) -> Iterator[list[Side]]:
    """Start all four; the peers are paused, Triton idles at no cost."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(own_server(console))
        sides = [
            Side(
                name=TRITON,
                posts=tuple(_triton_post(server.http_url, photo) for photo in photos),
                read=_read_triton,
                pause=lambda: None,
                resume=lambda: None,
            )
        ]
        for name, module in PEERS.items():
            with console.status(f"starting {name}"):
                process = stack.enter_context(peer_process(module))
            process.pause()
            headers = {"Content-Type": "application/octet-stream"}
            posts = tuple(Post(url=f"{process.url}/detect", body=photo, headers=headers) for photo in photos)
            sides.append(Side(name=name, posts=posts, read=_read_json, pause=process.pause, resume=process.resume))
        yield sides


def _triton_post(http_url: str, photo: bytes) -> Post:
    tensor = InferInput("image", [1, 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[photo]], dtype=np.object_))
    outputs = [InferRequestedOutput(name, binary_data=True) for name in OUTPUTS]
    body, header_length = InferenceServerClient.generate_request_body([tensor], outputs=outputs)
    return Post(
        url=f"{http_url}/v2/models/detect/infer",
        body=bytes(body),
        headers={_HEADER_LENGTH: str(header_length), "Content-Type": "application/octet-stream"},
    )


def _read_triton(body: bytes) -> Answer:
    # The JSON header ends where the binary tensors begin.
    _, header_length = json.JSONDecoder().raw_decode(body.decode("latin-1"))
    answer = InferenceServerClient.parse_response_body(body, header_length=header_length)
    rows = int(answer.as_numpy("num_detections")[0, 0])
    return Answer(**{name: answer.as_numpy(name)[0, :rows] for name in ("boxes", "scores", "class_ids")})


def _read_json(body: bytes) -> Answer:
    answer = json.loads(body)
    return Answer(
        boxes=np.array(answer["boxes"], np.float32).reshape(-1, 4),
        scores=np.array(answer["scores"], np.float32),
        class_ids=np.array(answer["class_ids"], np.int32),
    )
