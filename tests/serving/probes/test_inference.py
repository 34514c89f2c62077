"""A probe tells a dead model from a living one where the ready endpoint does not."""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from loadtest.stages import collect_settled_statistics
from serving import TritonServer
from serving.errors import (
    DeadStubError,
    ModelNotServedError,
    ModelRefusedError,
    OverloadedError,
    ServiceBrokenError,
    ServingError,
)
from serving.probes import find_ensembles, grey_png, probe_model
from serving.probes.inference import failure_of
from serving.probes.sample import sample_request
from serving.probes.triton_http import Answer, NoAnswerInTimeError, restricted_header
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


def test_each_sample_is_a_valid_png_that_nobody_has_seen() -> None:
    metadata = {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [-1, 1]}]}
    bodies = [sample_request(metadata) for _ in range(2)]
    images = []
    for headers, body in bodies:
        start = int(headers["Inference-Header-Content-Length"]) + 4
        images.append(Image.open(io.BytesIO(body[start:])))
        assert (images[-1].size, images[-1].mode) == ((32, 32), "L")
    assert images[0].tobytes() != images[1].tobytes()


@pytest.mark.triton
def test_a_response_cache_does_not_answer_the_probe(tmp_path: Path) -> None:
    """It would answer for a model that is dead."""
    for model in (REPO_ROOT / "model_repository").iterdir():
        (tmp_path / "models" / model.name).mkdir(parents=True)
        (tmp_path / "models" / model.name / "1").symlink_to(model / "1")
        config = (model / "config.pbtxt").read_text() + "\nresponse_cache { enable: true }\n"
        (tmp_path / "models" / model.name / "config.pbtxt").write_text(config)
    with TritonServer(free_ports(tmp_path / "models", response_cache_mib=64)) as server:
        for _ in range(3):
            probe_model(server.http_url, "detect", timeout_s=TIMEOUT_S)
        models = collect_settled_statistics(f"http://{server.http_url}").models
    hits = {key.name: counters.cache_hit.count for key, counters in models.items()}
    misses = {key.name: counters.cache_miss.count for key, counters in models.items()}
    assert hits["detect"] == hits["backbone"] == 0
    assert misses["detect"] == 3, "the cache is on"


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


def test_the_command_loads_neither_numpy_nor_tritonclient() -> None:
    """It stands beside every server, and a cron job may start it every second."""
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, serving.probes.command, serving.probes.watch_command;"
            " print(sorted({'numpy', 'tritonclient', 'grpc', 'onnx', 'rich'} & set(sys.modules)))",
        ],
        cwd=REPO_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (503, "in ensemble 'detect', Exceeds maximum queue size", OverloadedError),
        (503, "in ensemble 'detect', Request timeout expired", OverloadedError),
        (429, "slow down", OverloadedError),
        (404, "Request for unknown model: 'detect' is not found", ModelNotServedError),
        (400, "Request for unknown model: 'detect' has no available versions", ModelNotServedError),
        (500, "Stub process 'preprocess_0_1' is not healthy.", DeadStubError),
        (500, "image refused (format): no image", ModelRefusedError),
        (500, "CUDA error: an illegal memory access was encountered", ModelRefusedError),
    ],
)
def test_what_triton_answers_is_told_apart(status: int, error: str, kind: type) -> None:
    failure = failure_of(Answer(status, json.dumps({"error": error}).encode()), "model 'detect' at x")
    assert type(failure) is kind
    assert error in str(failure)


def test_something_that_is_not_triton_is_broken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        url = f"127.0.0.1:{other.getsockname()[1]}"

        def answer() -> None:
            for body in (b"<html>", b"[1]"):
                connection, _ = other.accept()
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                connection.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(ServiceBrokenError, match="no JSON"):
            probe_model(url, "detect", timeout_s=TIMEOUT_S)
        with pytest.raises(ServiceBrokenError, match="not the metadata of a model"):
            probe_model(url, "detect", timeout_s=TIMEOUT_S)
        thread.join()


def test_an_answer_that_never_ends_is_bounded_by_the_whole_timeout() -> None:
    """Each byte comes in time, the answer does not."""
    with socket.create_server(("127.0.0.1", 0)) as slow:

        def drip() -> None:
            connection, _ = slow.accept()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            with contextlib.suppress(OSError):
                while True:
                    connection.sendall(b" ")
                    time.sleep(0.05)
            connection.close()

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        with pytest.raises(NoAnswerInTimeError, match=r"gave no answer within 0\.5 s"):
            probe_model(f"127.0.0.1:{slow.getsockname()[1]}", "detect", timeout_s=0.5)
        thread.join(timeout=TIMEOUT_S)
        assert not thread.is_alive()


@pytest.mark.parametrize(("given", "header"), [("", {}), ("key=secret=x", {"key": "secret=x"})])
def test_the_restricted_key_becomes_a_header(given: str, header: dict[str, str]) -> None:
    assert restricted_header({"GENOD_RESTRICTED_KEY": given}) == header


@pytest.mark.parametrize("given", ["secret", "=secret", "key=", "a b=secret", "key=sec\nret"])
def test_a_malformed_restricted_key_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(ServingError, match="must be <name>=<value>") as refused:
        restricted_header({"GENOD_RESTRICTED_KEY": given})
    assert "sec" not in str(refused.value).replace("--http-restricted-api", "")


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
