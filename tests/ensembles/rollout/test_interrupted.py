"""An activation that is killed, a server that starts again in between, and servers that do not play along."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ensembles.errors import ActivationFailed
from ensembles.rollout.opening import open_control
from ensembles.rollout_commands import activate_release, rollback_release
from serving import ServerOptions, ServingError, TritonServer
from serving.release_source import models_of_rollout
from serving.rollout_watch import LOOK_AGAIN_S
from serving.stub_processes import find_stubs
from tests.conftest import REPO_ROOT
from tests.ensembles.rollout.callers import Callers
from tests.ensembles.rollout.toy_releases import NAME, QUIET, options, publish_toy
from tests.serving.calls import end_now, wait_until
from tests.serving.toy_repository import write_double

pytestmark = pytest.mark.triton


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rollout")
    publish_toy(folder, 1)
    publish_toy(folder, 2, head_count=3)
    publish_toy(folder, 3, stem_version=3, fails=True)
    activate_release(options(folder, number=1), QUIET)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[TritonServer]:
    rollout = folder / "rollout"
    settings = ServerOptions(rollout / "models", rollout=rollout, http_port=0, grpc_port=0, metrics_port=0)
    with TritonServer(settings) as server:
        yield server


def kill_at(folder: Path, server: TritonServer, release: int, point: int) -> bool:
    """Whether the activation was killed before it was through."""
    url = f"grpc://{server.grpc_url}"
    command = [sys.executable, "-m", "tests.ensembles.rollout.killed_activation", str(folder), str(release), url]
    ended = subprocess.run([*command, str(point)], cwd=REPO_ROOT, capture_output=True, text=True)
    assert ended.returncode in (0, 1, -9), ended.stderr
    return ended.returncode == -9


def serving_models(server: TritonServer) -> set[str]:
    states = open_control(f"grpc://{server.grpc_url}").states()
    return {name for name, versions in states.items() if any(one.state == "READY" for one in versions.values())}


@pytest.mark.slow
def test_killed_at_any_moment_callers_notice_nothing_and_the_next_run_finishes(
    folder: Path, server: TritonServer
) -> None:
    """At every other change; then forward or back in turn, and after some the server starts again in between."""
    url = f"grpc://{server.grpc_url}"
    activate_release(options(folder, number=1, url=url), QUIET)
    models_of_release = {1: serving_models(server)}
    activate_release(options(folder, number=2, url=url), QUIET)
    models_of_release[2] = serving_models(server)
    release, restarts = 2, 0
    for point in range(1, 100, 2):
        target, old = 3 - release, release
        with Callers(server.http_url, server.grpc_url, count=2) as callers:
            if not kill_at(folder, server, target, point):
                break
            callers.wait_for_calls(2)
        errors, releases = callers.errors, {answer.release for answer in callers.answers}
        if point % 6 == 1:
            server.restart()
            restarts += 1
        release = target if point % 4 == 1 else old
        with Callers(server.http_url, server.grpc_url, count=2) as callers:
            activate_release(options(folder, number=release, url=url), QUIET)
            callers.wait_for_calls(2)
        assert errors + callers.errors == []
        assert releases | {answer.release for answer in callers.answers} <= {1, 2}
        assert callers.answers_per_caller[0][-1].release == callers.answers_per_caller[1][-1].release == release
        assert serving_models(server) == models_of_release[release], f"after point {point}"
    assert point > 10
    assert restarts > 1


def test_killed_after_a_failed_load_the_next_run_is_clean(folder: Path, server: TritonServer) -> None:
    control, url = open_control(f"grpc://{server.grpc_url}"), f"grpc://{server.grpc_url}"
    activate_release(options(folder, number=1, url=url), QUIET)
    clean, hurt = serving_models(server), 0
    for point in range(1, 100, 2):
        if not kill_at(folder, server, 3, point):
            break
        if control.is_server_ready():
            continue  # the load had not failed yet, or all was cleared up
        hurt += 1
        if hurt % 2:
            with pytest.raises(ActivationFailed, match="release 3 does not load: stem"):
                activate_release(options(folder, number=3, url=url), QUIET)
        else:
            activate_release(options(folder, number=1, url=url), QUIET)
        assert control.is_server_ready(), f"after point {point}"
        assert serving_models(server) == clean
    assert hurt > 1


def test_the_supervisor_tells_an_unloaded_model_from_a_dead_one(folder: Path, tmp_path: Path) -> None:
    """`python -m serving --rollout` is supervised: models that a release takes away must not look dead."""
    rollout = tmp_path / "rollout"
    restarts: list[str] = []
    activate_release(options(folder, number=1, repository=rollout), QUIET)
    settings = ServerOptions(
        rollout / "models",
        rollout=rollout,
        http_port=0,
        grpc_port=0,
        metrics_port=0,
        supervise=True,
        probe_interval_s=1,
    )
    with TritonServer(settings, on_restart=restarts.append) as server:
        with Callers(server.http_url, server.grpc_url, count=2) as callers:
            for release in (2, 1, 2):
                url = f"grpc://{server.grpc_url}"
                activate_release(options(folder, number=release, url=url, repository=rollout), QUIET)
                time.sleep(1)
        assert callers.errors == []
        assert restarts == []
        time.sleep(2 * LOOK_AGAIN_S)  # until the new models' processes are known
        end_now(next(stub.pid for stub in find_stubs(server.pid) if stub.instance_name.startswith("head_c.")))
        wait_until(lambda: len(restarts) == 1, timeout_s=30, what="the supervisor notices a real death")
        assert "head_c." in restarts[0], "noticed for another reason"
        control = open_control(f"grpc://{server.grpc_url}")
        wait_until(lambda: answers(control, 2), timeout_s=60, what="the active release is served again")


def answers(control, release: int) -> bool:
    try:
        return control.is_ready(NAME, release)
    except ActivationFailed:
        return False


def test_without_a_server_the_error_says_so_and_what_to_do(folder: Path) -> None:
    for url in ("grpc://127.0.0.1:9", "http://127.0.0.1:9"):
        with pytest.raises(ActivationFailed, match=f"no server answers at {url} .* run the same command again"):
            activate_release(options(folder, number=2, url=url), QUIET)
    with pytest.raises(ActivationFailed, match="--url must be grpc://HOST:PORT or http://HOST:PORT"):
        activate_release(options(folder, number=2, url="127.0.0.1:8000"), QUIET)


def test_a_server_without_explicit_model_control_is_named_as_such(folder: Path, tmp_path: Path) -> None:
    write_double(tmp_path / "models")
    settings = ServerOptions(tmp_path / "models", http_port=0, grpc_port=0, metrics_port=0)
    with TritonServer(settings) as plain:
        for url in (f"grpc://{plain.grpc_url}", f"http://{plain.http_url}"):
            other = options(folder, number=1, url=url, repository=tmp_path / "rollout")
            with pytest.raises(ActivationFailed, match="Start it with --model-control-mode=explicit"):
                activate_release(other, QUIET)


def test_rollback_without_a_release_before_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ActivationFailed, match="knows no release before the first"):
        rollback_release(options(folder, repository=tmp_path / "rollout"), QUIET)
    activate_release(options(folder, number=1, repository=tmp_path / "rollout"), QUIET)
    with pytest.raises(ActivationFailed, match="knows no release before 1"):
        rollback_release(options(folder, repository=tmp_path / "rollout"), QUIET)


def test_a_folder_without_an_active_release_is_not_served(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match=r"has no active release\. Make one active first"):
        models_of_rollout(tmp_path)


def test_without_a_server_the_folder_is_prepared_for_one(folder: Path, tmp_path: Path) -> None:
    for release in (1, 2, 1):
        activate_release(options(folder, number=release, repository=tmp_path / "rollout"), QUIET)
        models = sorted(entry.name.partition(".")[0] for entry in (tmp_path / "rollout" / "models").iterdir())
        heads = ["head_a", "head_b", "head_c"][: 3 if release == 2 else 2]
        assert models == [*heads, "join", "stem", NAME]
        assert (tmp_path / "rollout" / "models" / NAME / str(release)).is_dir()
