import shutil

import pytest

from serving import ServerOptions, TritonServer
from tests.clients.answers import TOY_REPOSITORY
from tests.painted_photos import painted_jpegs


@pytest.fixture(scope="session")
def toy_server(tmp_path_factory):
    """A real tritonserver whose `detect` answers any photo at once."""
    # A copy, because Triton's Python stub leaves __pycache__ in it.
    repository = tmp_path_factory.mktemp("locust") / "repository"
    shutil.copytree(TOY_REPOSITORY / "detect", repository / "detect", ignore=shutil.ignore_patterns("__pycache__"))
    with TritonServer(ServerOptions(repository, http_port=0, grpc_port=0, metrics_port=0)) as server:
        yield server


@pytest.fixture(params=["http", "grpc"])
def toy_url(request, toy_server):
    return f"{request.param}://{getattr(toy_server, request.param + '_url')}"


@pytest.fixture(scope="session")
def photo_options(tmp_path_factory):
    """Options that name a small folder of photos: to generate some takes longer."""
    folder = tmp_path_factory.mktemp("photos")
    for number, content in enumerate(painted_jpegs()):
        (folder / f"{number}.jpg").write_bytes(content)
    return ("--photos", folder)
