"""The context manager: addresses, clients that go away, and what is left behind."""

import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tritonclient.utils import InferenceServerException

from serving import ServingError, TritonServer
from serving.stub_processes import find_stubs
from tests.conftest import REPO_ROOT
from tests.serving.calls import (
    column,
    end_now,
    free_ports,
    infer_grpc,
    is_running,
    shared_memory_of,
    wait_until,
)
from tests.serving.load import Load
from tests.serving.toy_repository import write_diamond

pytestmark = pytest.mark.triton


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = tmp_path_factory.mktemp("models")
    write_diamond(repository, multiplications=20)
    return repository


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[TritonServer]:
    with TritonServer(free_ports(repository, response_cache_mib=1)) as running:
        yield running


def test_the_three_addresses_answer(server: TritonServer) -> None:
    with urllib.request.urlopen(f"http://{server.http_url}/v2/health/ready", timeout=5) as response:
        assert response.status == 200
    with urllib.request.urlopen(server.metrics_url, timeout=5) as response:
        assert b"nv_inference_count" in response.read()
    answer = infer_grpc(server.grpc_url, "detect_toy", {"x": column(3)}, ["y"])
    assert answer["y"].item() == pytest.approx(6)


def test_grpc_clients_that_give_up_in_the_middle_do_not_harm_the_server(server: TritonServer) -> None:
    """Without the shim this ensemble's parallel steps crash tritonserver 2.51 within a second."""
    pid = server.pid

    def give_up(call: int) -> str:
        try:
            infer_grpc(server.grpc_url, "detect_toy", {"x": column(3)}, ["y"], timeout_s=0.005 + 0.002 * (call % 30))
        except InferenceServerException as error:
            return str(error.status())
        return "answered"

    with ThreadPoolExecutor(16) as callers:
        outcomes = list(callers.map(give_up, range(300)))
    assert outcomes.count("StatusCode.DEADLINE_EXCEEDED") > 100
    assert set(outcomes) <= {"StatusCode.DEADLINE_EXCEEDED", "answered"}
    answer = infer_grpc(server.grpc_url, "detect_toy", {"x": column(3)}, ["y"])
    assert answer["y"].item() == pytest.approx(6)
    assert (server.pid, is_running(pid)) == (pid, True)


def test_a_stop_under_load_answers_everybody_and_leaves_nothing(repository: Path) -> None:
    with TritonServer(free_ports(repository)) as server:
        pid, stubs, memory = server.pid, find_stubs(server.pid), shared_memory_of(server.pid)
        with Load(server.http_url, server.grpc_url, callers=8) as load:
            wait_until(lambda: load.success_count > 8, timeout_s=30, what="calls succeed")
            started_s = time.monotonic()
            server.stop()
            assert time.monotonic() - started_s < server.options.exit_timeout_s + 4
    assert all(load.errors)
    assert not any(is_running(process) for process in (pid, *(stub.pid for stub in stubs)))
    assert not any(file.exists() for file in memory)


def test_a_stop_during_a_restart_does_not_wait_for_it(repository: Path) -> None:
    restart_began = threading.Event()
    options = free_ports(repository, supervise=True)
    with TritonServer(options, on_restart=lambda reason: restart_began.set()) as server:
        end_now(server.pid)
        assert restart_began.wait(10)
        started_s = time.monotonic()
        server.stop()
        assert time.monotonic() - started_s < server.options.exit_timeout_s + 4


def test_when_the_parent_is_killed_nothing_is_left(repository: Path) -> None:
    program = (
        "import sys, time\n"
        "from serving import TritonServer\n"
        "from pathlib import Path\n"
        "from tests.serving.calls import free_ports\n"
        f"with TritonServer(free_ports(Path({str(repository)!r}))) as server:\n"
        "    print(server.pid, server.http_url, server.grpc_url, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=REPO_ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        words = parent.stdout.readline().split()
        assert len(words) == 3, "the server did not start"
        pid, http_url, grpc_url = int(words[0]), words[1], words[2]
        stubs, memory = find_stubs(pid), shared_memory_of(pid)
        assert len(stubs) == 4
        # Busy stubs wait for tritonserver, and would wait for ever.
        with Load(http_url, grpc_url, callers=4, timeout_s=10) as load:
            wait_until(lambda: load.success_count > 4, timeout_s=30, what="calls succeed")
            end_now(parent.pid)
            wait_until(
                lambda: not any(is_running(process) for process in (pid, *(stub.pid for stub in stubs))),
                timeout_s=10,
                what="tritonserver and its stubs end",
            )
    wait_until(lambda: not any(file.exists() for file in memory), timeout_s=5, what="shared memory is removed")


def test_addresses_are_known_only_while_it_runs(repository: Path) -> None:
    server = TritonServer(free_ports(repository))
    with pytest.raises(ServingError, match="enter its `with` block first"):
        _ = server.http_url
    with pytest.raises(ServingError, match="enter its `with` block first"):
        _ = server.pid
