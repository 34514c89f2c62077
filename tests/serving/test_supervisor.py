"""A model's process dies under load: nobody hangs, and service comes back by itself."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving import ServerOptions, TritonServer
from serving.errors import SupervisionError
from serving.stub_processes import find_stubs
from serving.supervisor import MAX_RESTARTS, Supervisor
from tests.serving.calls import end_now, free_ports, is_running, shared_memory_of, wait_until
from tests.serving.load import Load
from tests.serving.toy_repository import write_diamond

pytestmark = pytest.mark.triton

RECOVERY_TIMEOUT_S = 60


@pytest.fixture(scope="module")
def restart_reasons() -> list[str]:
    return []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, restart_reasons: list[str]) -> Iterator[TritonServer]:
    repository = tmp_path_factory.mktemp("models")
    write_diamond(repository)
    options = free_ports(repository, supervise=True, probe_interval_s=0.5)
    with TritonServer(options, on_restart=restart_reasons.append) as running:
        yield running


def pid_of_stub(server: TritonServer, model: str) -> int:
    return next(stub.pid for stub in find_stubs(server.pid) if stub.instance_name.startswith(model))


@pytest.mark.parametrize("model", ["stem", "branch_a", "join"])
def test_after_a_stub_is_killed_every_call_ends_and_service_returns(
    server: TritonServer, restart_reasons: list[str], model: str
) -> None:
    old_pid = server.pid
    old_stubs = [stub.pid for stub in find_stubs(old_pid)]
    old_memory = shared_memory_of(old_pid)
    with Load(server.http_url, server.grpc_url, callers=8) as load:
        wait_until(lambda: load.success_count > 8, timeout_s=30, what="calls succeed")
        end_now(pid_of_stub(server, model))
        wait_until(lambda: server.pid != old_pid, timeout_s=RECOVERY_TIMEOUT_S, what="restart")
        restarted_s = time.monotonic()
        wait_until(
            lambda: load.successes_since(restarted_s) > 8,
            timeout_s=RECOVERY_TIMEOUT_S,
            what="calls succeed again",
        )

    assert load.errors, "calls in flight cannot have been answered"
    assert all(load.errors), "an error without words"
    # By the kernel's word, or by that of a probe which was under way at that moment.
    assert f"{model}_0_0" in restart_reasons[-1]
    assert max(outcome.duration_s for outcome in load.outcomes) < RECOVERY_TIMEOUT_S
    assert not any(is_running(pid) for pid in (old_pid, *old_stubs))
    assert not any(memory.exists() for memory in old_memory)


def test_when_tritonserver_itself_dies_service_returns(server: TritonServer, restart_reasons: list[str]) -> None:
    old_pid = server.pid
    end_now(old_pid)
    wait_until(lambda: server.pid != old_pid, timeout_s=RECOVERY_TIMEOUT_S, what="restart")
    assert restart_reasons[-1].startswith("tritonserver")


def test_probes_leave_a_healthy_server_alone(server: TritonServer, restart_reasons: list[str]) -> None:
    pid, restarts = server.pid, len(restart_reasons)
    time.sleep(1.5)  # some probes
    assert (server.pid, len(restart_reasons)) == (pid, restarts)


class DyingServer:
    """Stands in for a server whose tritonserver is dead whenever one looks."""

    def __init__(self, repository: Path) -> None:
        self.options = ServerOptions(repository)
        self.http_url = "127.0.0.1:1"
        self.restarts = 0
        self.process = type("DeadProcess", (), {"pid": 2**22 + 1, "stubs": []})()

    def restart(self) -> None:
        self.restarts += 1


def test_a_server_that_dies_on_every_start_is_given_up(tmp_path: Path) -> None:
    write_diamond(tmp_path)
    server = DyingServer(tmp_path)
    supervisor = Supervisor(server, on_restart=lambda reason: None)
    supervisor.start()
    with pytest.raises(SupervisionError, match=f"more than {MAX_RESTARTS} restarts.*tritonserver died"):
        supervisor.wait()
    assert server.restarts == MAX_RESTARTS
