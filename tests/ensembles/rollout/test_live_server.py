"""Activations and rollbacks on a real Triton while callers call."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ensembles.errors import ActivationFailed
from ensembles.rollout.opening import open_control
from ensembles.rollout_commands import activate_release, rollback_release
from serving import ServerOptions, TritonServer
from serving.stub_processes import find_stubs
from tests.ensembles.rollout.callers import Callers, percentile_ms
from tests.ensembles.rollout.switch_log import SwitchLog
from tests.ensembles.rollout.toy_releases import NAME, QUIET, answer_of, options, publish_toy

pytestmark = pytest.mark.triton

CALLERS = 8
SWITCHES = 20
BALLAST_BYTES = 150_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with releases 1 to 6, and a rollout folder with release 1."""
    folder = tmp_path_factory.mktemp("rollout")
    publish_toy(folder, 1)
    publish_toy(folder, 2)
    publish_toy(folder, 3, head_count=3)  # `join` has another input
    publish_toy(folder, 4, stem_version=4, fails=True)
    publish_toy(folder, 5, stem_version=5, ballast_bytes=BALLAST_BYTES)
    publish_toy(folder, 6, stem_version=6, execute_s=0.5)
    activate_release(options(folder, number=1), QUIET)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[TritonServer]:
    options = ServerOptions(
        folder / "rollout" / "models",
        rollout=folder / "rollout",
        http_port=0,
        grpc_port=0,
        metrics_port=0,
        exit_timeout_s=5,
        response_cache_mib=8,
    )
    with TritonServer(options) as server:
        yield server


@pytest.fixture
def to(folder: Path, server: TritonServer):
    """Activate a release on the server."""
    return lambda number: activate_release(options(folder, number=number, url=f"http://{server.http_url}"), QUIET)


@pytest.fixture(autouse=True)
def _release_1_is_active(folder: Path, server: TritonServer, to) -> None:
    to(1)


def get(server: TritonServer, path: str) -> dict:
    with urllib.request.urlopen(f"http://{server.http_url}/v2/{path}", timeout=10) as answer:
        return json.loads(answer.read() or b"{}")


def active(folder: Path) -> tuple[int, int | None]:
    note = json.loads((folder / "rollout" / "active.json").read_text())
    return note["release"], note["previous"]


def serving_models(server: TritonServer) -> set[str]:
    states = open_control(f"http://{server.http_url}").states()
    return {name for name, versions in states.items() if any(one.state == "READY" for one in versions.values())}


def resident_bytes(server: TritonServer) -> int:
    """Memory of tritonserver and its model processes."""
    pids = [server.pid, *(stub.pid for stub in find_stubs(server.pid))]
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return sum(int(status.split("VmRSS:")[1].split()[0]) * 1024 for status in statuses)


def test_twenty_switches_under_load_lose_nothing_and_answer_nothing_stale(
    folder: Path, server: TritonServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Forward and back; release 3 has a model of the same name with other tensors."""
    url = f"grpc://{server.grpc_url}"
    switches = SwitchLog()
    with Callers(server.http_url, server.grpc_url, count=CALLERS) as callers, switches.recording(NAME):
        callers.wait_for_calls(20)
        for switch in range(SWITCHES):
            with switches.activation():
                if switch % 2 == 0:
                    activate_release(options(folder, number=2 + switch // 2 % 2, url=url), QUIET)
                else:
                    rollback_release(options(folder, url=url), QUIET)
            callers.wait_for_calls(5)
    assert callers.errors == []
    assert len(switches.windows) == SWITCHES
    assert {answer.release for answer in callers.answers} == {1, 2, 3}
    for answer in callers.answers:
        assert answer.y == answer_of(answer.release, answer.x)
        assert answer.version == str(answer.release), "a version answered with another release's result"
    assert switches.stale(callers.answers, first_release=1) == []
    switching, activating, quiet = switches.split(callers.answers)
    assert switching
    hits = get(server, f"models/{NAME}/versions/1/stats")["model_stats"][0]["inference_stats"]["cache_hit"]["count"]
    assert hits > 0, "the response cache never answered, so it was not tried"
    with capsys.disabled():
        print(
            f"\n{SWITCHES} switches, {CALLERS} callers, {len(callers.answers)} requests, 0 failed, 0 stale; p99 of "
            f"calls that met a switch {percentile_ms(switching, 99):.1f} ms, an activation "
            f"{percentile_ms(activating, 99):.1f} ms, neither {percentile_ms(quiet, 99):.1f} ms"
        )


def test_a_release_that_does_not_load_changes_nothing_and_says_why(folder: Path, server: TritonServer, to) -> None:
    before, names = serving_models(server), sorted(entry.name for entry in (folder / "rollout" / "models").iterdir())
    with Callers(server.http_url, server.grpc_url, count=4) as callers:
        callers.wait_for_calls(5)
        with pytest.raises(ActivationFailed) as failed:
            to(4)
        callers.wait_for_calls(5)
    said = str(failed.value)
    assert "release 4 does not load: stem: " in said
    assert "the weights of stem are not those of this model" in said
    assert "Release 1 serves on, untouched." in said
    assert "\n" not in said
    assert callers.errors == []
    assert {answer.release for answer in callers.answers} == {1}
    assert active(folder) == (1, active(folder)[1])
    assert serving_models(server) == before
    assert sorted(entry.name for entry in (folder / "rollout" / "models").iterdir()) == names
    assert open_control(f"http://{server.http_url}").is_server_ready(), "the failed load left the server not ready"
    to(2)
    assert open_control(f"http://{server.http_url}").is_server_ready()


def test_what_is_not_needed_any_more_is_unloaded_and_its_memory_comes_back(folder: Path, server: TritonServer, to):
    small, models = resident_bytes(server), serving_models(server)
    to(5)
    large = resident_bytes(server)
    assert large - small > 0.8 * BALLAST_BYTES
    to(1)
    assert resident_bytes(server) - small < 0.2 * BALLAST_BYTES
    assert serving_models(server) == models
    assert len(find_stubs(server.pid)) == len(models) - 1


def test_what_two_releases_share_is_not_loaded_again(server: TritonServer, to) -> None:
    before = {stub.pid for stub in find_stubs(server.pid)}
    to(2)
    after = {stub.pid for stub in find_stubs(server.pid)}
    assert len(before - after) == len(after - before) == 1, "only head_a differs"


def test_requests_of_the_old_release_are_answered_by_it_to_the_end(folder: Path, server: TritonServer, to) -> None:
    to(6)
    with Callers(server.http_url, server.grpc_url, count=4, fresh=True) as callers:
        callers.wait_for_calls(1)
        to(1)
        callers.wait_for_calls(3)
    assert callers.errors == []
    assert {answer.release for answer in callers.answers} == {6, 1}
    assert all(answer.version == str(answer.release) for answer in callers.answers)


def test_a_second_activation_changes_nothing(folder: Path, server: TritonServer, to) -> None:
    pids, note = {stub.pid for stub in find_stubs(server.pid)}, active(folder)
    to(1)
    assert {stub.pid for stub in find_stubs(server.pid)} == pids
    assert active(folder) == note


def test_rollback_needs_neither_store_nor_checkout(folder: Path, server: TritonServer, to) -> None:
    to(2)
    rollback_release(options(folder, url=f"http://{server.http_url}", store=None), QUIET)
    assert active(folder) == (1, 2)


def test_a_server_that_starts_again_serves_the_active_release(folder: Path, server: TritonServer, to) -> None:
    to(3)
    server.restart()
    assert get(server, f"models/{NAME}")["versions"] == ["3"]
    to(1)
    assert get(server, f"models/{NAME}")["versions"] == ["1"]


def test_only_per_model_readiness_stays_while_a_model_loads(folder: Path, server: TritonServer, to) -> None:
    """What docs/TRITON_NOTES.md tells platform teams to ask for."""
    control, seen, is_over = open_control(f"grpc://{server.grpc_url}"), set(), threading.Event()

    def look() -> None:
        while not is_over.is_set():
            seen.add((control.is_server_ready(), control.is_ready(NAME, 1) or control.is_ready(NAME, 2)))

    watcher = threading.Thread(target=look)
    watcher.start()
    to(2)
    is_over.set()
    watcher.join()
    assert (False, True) in seen
    assert all(per_model for _, per_model in seen)
    assert control.is_server_ready()
