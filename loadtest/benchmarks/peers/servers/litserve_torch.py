"""Eager PyTorch behind LitServe."""

from typing import Annotated, Any

import litserve
import torch
from fastapi import Body

from loadtest.benchmarks.peers.servers.arguments import REPOSITORY, Arguments, parse
from loadtest.benchmarks.peers.servers.torch_pipeline import TorchPipeline


class DetectApi(litserve.LitAPI):  # type: ignore[misc]  # LitServe ships no types
    """LitServe's form of the pipeline; `setup` runs once in each of its worker processes."""

    def __init__(self, arguments: Arguments) -> None:
        super().__init__(api_path="/detect")
        self._arguments = arguments

    def setup(self, device: str) -> None:
        """Load the modules."""
        torch.set_num_threads(self._arguments.threads)
        self._detect = TorchPipeline(REPOSITORY)

    def decode_request(self, request: Annotated[bytes, Body(media_type="application/octet-stream")]) -> bytes:
        """Take the raw body; JSON with base64 would cost more."""
        return request

    def predict(self, photo: bytes) -> dict[str, Any]:
        """Detect."""
        return self._detect(photo)

    def encode_response(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Let LitServe write the JSON."""
        return answer


if __name__ == "__main__":
    parsed = parse()
    server = litserve.LitServer(DetectApi(parsed), accelerator="cpu", workers_per_device=parsed.workers, timeout=60)
    server.run(host="127.0.0.1", port=parsed.port, log_level="warning", generate_client_file=False)
