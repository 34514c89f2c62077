"""NVIDIA Triton on one machine: find it, start it on a model repository, watch it, stop it.

Typical use::

    from serving import ServerOptions, TritonServer

    with TritonServer(ServerOptions("model_repository", http_port=0, grpc_port=0, metrics_port=0)) as server:
        print(server.http_url, server.grpc_url, server.metrics_url, server.log_path, server.pid)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving.errors import ServingError
    from serving.options import ServerOptions
    from serving.server import TritonServer

__all__ = ["ServerOptions", "ServingError", "TritonServer"]

_MODULE_BY_NAME = {
    "ServerOptions": "serving.options",
    "ServingError": "serving.errors",
    "TritonServer": "serving.server",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used.

    The guard that starts beside every server is a module of this package and must not load numpy and
    tritonclient.
    """
    if name not in _MODULE_BY_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_BY_NAME[name]), name)
