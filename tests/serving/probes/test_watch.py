"""The sidecar beside a real server on the committed models: what a kubelet would see."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving import ServerOptions, TritonServer
from serving.stub_processes import find_stubs
from tests.conftest import REPO_ROOT
from tests.serving.calls import free_ports
from tests.serving.load import Load
from tests.serving.probes.sidecar import Sidecar, sidecar
from tests.serving.toy_repository import write_diamond

pytestmark = [pytest.mark.triton, pytest.mark.slow]

# What the chart promises.
RED_WITHIN_S = 10
GREEN_WITHIN_S = 30


@pytest.fixture(scope="module")
def server() -> Iterator[TritonServer]:
    options = ServerOptions(REPO_ROOT / "model_repository", http_port=0, grpc_port=0, metrics_port=0, exit_timeout_s=2)
    with TritonServer(options) as running:
        yield running


def stub_of(server: TritonServer, model: str) -> int:
    return next(stub.pid for stub in find_stubs(server.pid) if stub.instance_name.startswith(model))


def test_a_killed_stub_of_two_is_red_within_10_s_and_stays_red_until_the_server_is_new(server: TritonServer) -> None:
    with sidecar(server.http_url, "detect") as watch:
        watch.seconds_until(True, within_s=GREEN_WITHIN_S)
        os.kill(stub_of(server, "preprocess"), signal.SIGKILL)
        watch.seconds_until(False, within_s=RED_WITHIN_S)
        status, text = watch.get("/live")
        assert (status, text.splitlines()) == (503, [text.strip()]), "one line"
        assert text.startswith("detect: dead_stub: ")
        assert "Stub process 'preprocess_0_" in text
        # The other process of preprocess still answers every second probe.
        assert watch.colours_during(5) == {503}
        assert watch.get("/ready?model=detect")[0] == 503
        server.restart()
        watch.seconds_until(True, within_s=GREEN_WITHIN_S)
        assert watch.get("/ready?model=detect")[0] == 200


def test_a_killed_server_is_red_while_it_is_gone_and_while_it_loads(server: TritonServer) -> None:
    with sidecar(server.http_url, "detect") as watch:
        watch.seconds_until(True, within_s=GREEN_WITHIN_S)
        os.kill(server.pid, signal.SIGKILL)
        watch.seconds_until(False, within_s=RED_WITHIN_S)
        assert watch.get("/live")[1].startswith("detect: unreachable: ")
        server.restart()
        watch.seconds_until(True, within_s=GREEN_WITHIN_S)


def test_a_stopped_stub_is_red_and_a_new_server_green(server: TritonServer) -> None:
    """Let go on, a stub which Triton has given up takes tritonserver 2.51 down with it, so it is not tried."""
    with sidecar(server.http_url, "detect") as watch:
        watch.seconds_until(True, within_s=GREEN_WITHIN_S)
        os.kill(stub_of(server, "backbone"), signal.SIGSTOP)
        watch.seconds_until(False, within_s=RED_WITHIN_S)
        server.restart()
        watch.seconds_until(True, within_s=GREEN_WITHIN_S)


def test_a_server_that_hangs_as_a_whole_is_red_by_the_timeout(server: TritonServer) -> None:
    with sidecar(server.http_url, "detect") as watch:
        watch.seconds_until(True, within_s=GREEN_WITHIN_S)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            watch.seconds_until(False, within_s=RED_WITHIN_S)
            assert watch.get("/live")[1].startswith("detect: stalled: ")
            assert watch.get("/ready")[0] == 503
        finally:
            os.kill(server.pid, signal.SIGCONT)
        watch.seconds_until(True, within_s=GREEN_WITHIN_S)


def test_each_model_has_its_own_readiness_and_metrics(server: TritonServer) -> None:
    with sidecar(server.http_url, "detect", "preprocess", "no_such_model", interval_s=0.3) as watch:
        deadline_s = time.monotonic() + GREEN_WITHIN_S
        while watch.get("/ready?model=preprocess")[0] != 200 and time.monotonic() < deadline_s:
            time.sleep(0.1)
        assert watch.get("/ready?model=preprocess")[0] == 200
        status, text = watch.get("/ready?model=no_such_model")
        assert (status, text.split(": ")[:2]) == (503, ["no_such_model", "not_served"])
        assert watch.get("/ready")[0] == 503
        assert watch.get("/live")[0] == 503
        status, text = watch.get("/ready?model=backbone")
        assert (status, text) == (
            404, "backbone: not watched; watched: detect, preprocess, no_such_model (--model adds one)\n",
        )  # fmt: skip
        assert watch.get("/elsewhere")[0] == 404
        metrics = watch.get("/metrics")[1]
    assert 'genod_probe_up{model="preprocess"} 1\n' in metrics
    assert 'genod_probe_up{model="no_such_model"} 0\n' in metrics
    assert 'genod_probe_failures_total{model="preprocess"} 0\n' in metrics
    assert 'genod_probe_last_answer_timestamp_seconds{model="preprocess"}' in metrics
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian: prometheus) is not installed: the metrics' format was not checked")
    checked = subprocess.run([promtool, "check", "metrics"], input=metrics, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def serve_slowly(repository: Path, *, queue_policy: str) -> TritonServer:
    """A server on which 48 callers wait for seconds, if they get in."""
    write_diamond(repository, multiplications=150)
    stem = repository / "stem" / "config.pbtxt"
    stem.write_text(stem.read_text().replace("dynamic_batching {}", f"dynamic_batching {{ {queue_policy} }}"))
    return TritonServer(free_ports(repository))


@pytest.mark.parametrize(
    ("queue_policy", "outcome"),
    [
        ("", "busy"),
        ("default_queue_policy { max_queue_size: 4 }", "overloaded"),
    ],
)
def test_an_overloaded_server_stays_green_and_a_hung_or_crippled_one_does_not(
    tmp_path: Path, queue_policy: str, outcome: str
) -> None:
    with (
        serve_slowly(tmp_path / "models", queue_policy=queue_policy) as server,
        sidecar(server.http_url, "detect_toy", interval_s=0.2, timeout_s=1.0) as watch,
    ):
        watch.seconds_until(True, within_s=GREEN_WITHIN_S)
        with Load(server.http_url, server.grpc_url, callers=48) as load:
            wait_for_outcome(watch, outcome)
            colours, deadline_s = watch.colours_during(4), time.monotonic() + 30
            while watch.probes("detect_toy", outcome) < 3 and time.monotonic() < deadline_s:
                colours |= watch.colours_during(1)
            assert colours == {200}, watch.get("/live")
            assert watch.probes("detect_toy", outcome) >= 3, watch.get("/metrics")
            assert load.success_count > 0
            os.kill(server.pid, signal.SIGSTOP)
            watch.seconds_until(False, within_s=RED_WITHIN_S)
            os.kill(server.pid, signal.SIGCONT)
            watch.seconds_until(True, within_s=GREEN_WITHIN_S)
            os.kill(stub_of(server, "branch_a"), signal.SIGKILL)
            watch.seconds_until(False, within_s=RED_WITHIN_S)


def wait_for_outcome(watch: Sidecar, outcome: str) -> None:
    deadline_s = time.monotonic() + 30
    while not watch.probes("detect_toy", outcome):
        assert time.monotonic() < deadline_s, watch.get("/metrics")
        time.sleep(0.1)
