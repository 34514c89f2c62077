"""One real server on the committed repository, shared by the tests of the whole graph."""

import pytest

from serving import ServerOptions, TritonServer
from tests.conftest import REPO_ROOT
from tests.painted_photos import painted_jpegs


@pytest.fixture(scope="session")
def detect_server():
    options = ServerOptions(REPO_ROOT / "model_repository", http_port=0, grpc_port=0, metrics_port=0)
    with TritonServer(options) as server:
        yield server


@pytest.fixture(scope="session")
def painted_photos():
    return painted_jpegs()
