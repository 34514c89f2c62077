"""What a Triton server says about itself: metadata, statistics, configurations, trace settings; over HTTP and gRPC."""

from loadtest.triton_api.api import TritonApi
from loadtest.triton_api.opening import open_triton_api

__all__ = ["TritonApi", "open_triton_api"]
