"""A real server on the committed graph, which may trace."""

import pytest

from serving import ServerOptions, TritonServer
from tests.conftest import REPO_ROOT
from tests.painted_photos import painted_jpegs


@pytest.fixture(scope="session")
def traceable_server(tmp_path_factory):
    options = ServerOptions(
        REPO_ROOT / "model_repository",
        http_port=0,
        grpc_port=0,
        metrics_port=0,
        trace_file=tmp_path_factory.mktemp("traces") / "trace.json",
    )
    with TritonServer(options) as server:
        yield server


@pytest.fixture(params=["http", "grpc"])
def url(request, traceable_server):
    """The server's address, once per protocol."""
    return f"{request.param}://{getattr(traceable_server, request.param + '_url')}"


@pytest.fixture(scope="session")
def photos():
    return list(painted_jpegs())
