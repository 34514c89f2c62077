"""ONNX Runtime behind FastAPI."""

from loadtest.benchmarks.peers.servers.arguments import REPOSITORY, parse
from loadtest.benchmarks.peers.servers.fastapi_app import serve
from loadtest.benchmarks.peers.servers.onnx_pipeline import OnnxPipeline

if __name__ == "__main__":
    arguments = parse()
    serve(OnnxPipeline(REPOSITORY, threads=arguments.threads), port=arguments.port, workers=arguments.workers)
