"""Eager PyTorch behind FastAPI."""

import torch

from loadtest.benchmarks.peers.servers.arguments import REPOSITORY, parse
from loadtest.benchmarks.peers.servers.fastapi_app import serve
from loadtest.benchmarks.peers.servers.torch_pipeline import TorchPipeline

if __name__ == "__main__":
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    serve(TorchPipeline(REPOSITORY), port=arguments.port, workers=arguments.workers)
