"""A real Triton server with the toy model, and the three ways to the same answers."""

import shutil
import subprocess

import pytest

from serving import ServerOptions, TritonServer
from tests.clients.answers import TOY_REPOSITORY


@pytest.fixture(scope="session")
def toy_server(tmp_path_factory):
    # A copy, because Triton's Python stub leaves __pycache__ in it.
    repository = tmp_path_factory.mktemp("clients") / "repository"
    for model in ("detect", "crowded"):
        shutil.copytree(TOY_REPOSITORY / "detect", repository / model, ignore=shutil.ignore_patterns("__pycache__"))
    for model in ("visual_search", "embed"):
        shutil.copytree(TOY_REPOSITORY / model, repository / model, ignore=shutil.ignore_patterns("__pycache__"))
        # A Triton model imports its siblings only, so what both share is copied beside each.
        for shared in ("detect/1/scene.py", "embed/1/toy_embedder.py"):
            shutil.copy(TOY_REPOSITORY / shared, repository / model / "1")
    # The same model with a queue that is soon full.
    config = repository / "crowded" / "config.pbtxt"
    text = config.read_text().replace('name: "detect"', 'name: "crowded"')
    queue = "dynamic_batching { default_queue_policy { max_queue_size: 4 } }"
    config.write_text(text.replace("dynamic_batching {}", queue))
    options = ServerOptions(
        repository, http_port=0, grpc_port=0, metrics_port=0, log_file=repository.parent / "triton.log"
    )
    with TritonServer(options) as server:
        yield server


@pytest.fixture(params=["http", "grpc"])
def toy_url(request, toy_server):
    """Address of the toy server, once per protocol."""
    return f"{request.param}://{getattr(toy_server, request.param + '_url')}"


@pytest.fixture
def tls_files(tmp_path):
    """A certificate for 127.0.0.1 that signs itself, and its key: (certificate, key)."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    return certificate, key
