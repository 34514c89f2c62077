"""A probe tells a dead model from a living one where the ready endpoint does not."""

import io
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest
from PIL import Image

from serving import TritonServer
from serving.errors import ModelRefusedError, ServiceBrokenError
from serving.probes import find_ensembles, grey_png, probe_model
from serving.stub_processes import find_stubs
from tests.conftest import REPO_ROOT
from tests.serving.calls import free_ports
from tests.serving.toy_repository import write_diamond, write_look_up

TIMEOUT_S = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    repository = tmp_path_factory.mktemp("models")
    write_diamond(repository)
    write_look_up(repository)
    with TritonServer(free_ports(repository)) as running:
        yield running


def run_command(url: str, model: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "serving.probes",
            "--url",
            url,
            "--model",
            model,
            "--timeout-s",
            str(TIMEOUT_S),
        ],
        cwd=REPO_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_sample_image_is_a_valid_png() -> None:
    image = Image.open(io.BytesIO(grey_png(32)))
    assert (image.size, image.mode, image.getpixel((31, 31))) == ((32, 32), "L", 128)


@pytest.mark.triton
def test_living_models_pass(server: TritonServer) -> None:
    probe_model(server.http_url, "detect_toy", timeout_s=TIMEOUT_S)
    probe_model(server.http_url, "look_up", timeout_s=TIMEOUT_S)
    ended = run_command(server.http_url, "detect_toy")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.triton
def test_a_model_that_is_not_there_is_told(server: TritonServer) -> None:
    with pytest.raises(ModelRefusedError, match="unknown model: 'detect'"):
        probe_model(server.http_url, "detect", timeout_s=TIMEOUT_S)


@pytest.mark.triton
def test_ensembles_are_found(server: TritonServer) -> None:
    assert find_ensembles(server.http_url, timeout_s=TIMEOUT_S) == ["detect_toy"]


def test_a_server_that_is_not_there_is_broken() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # nobody listens
        url = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ServiceBrokenError, match="gave no answer within 20 s"):
            probe_model(url, "detect", timeout_s=TIMEOUT_S)
        with pytest.raises(ServiceBrokenError, match="does not answer"):
            find_ensembles(url, timeout_s=TIMEOUT_S)


def test_a_server_that_never_answers_is_broken_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ServiceBrokenError, match=r"gave no answer within 0\.5 s"):
            probe_model(url, "detect", timeout_s=0.5)


@pytest.mark.triton
def test_a_dead_stub_is_noticed_though_the_server_says_ready(server: TritonServer) -> None:
    """Last in the file: the server is of no use afterwards."""
    stub = next(stub for stub in find_stubs(server.pid) if stub.instance_name.startswith("branch_b"))
    os.kill(stub.pid, signal.SIGKILL)
    with pytest.raises(ServiceBrokenError, match="Stub process 'branch_b_0_0' is not healthy"):
        probe_model(server.http_url, "detect_toy", timeout_s=TIMEOUT_S)
    with urllib.request.urlopen(f"http://{server.http_url}/v2/health/ready", timeout=5) as response:
        assert response.status == 200
    ended = run_command(server.http_url, "detect_toy")
    assert ended.returncode == 1
    assert "is not healthy" in ended.stderr
    probe_model(server.http_url, "look_up", timeout_s=TIMEOUT_S)
