"""Envoys come and go too: their drain, the age of connections, what they show of themselves."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from serving.ports import resolve_ports
from serving.stub_processes import find_stubs
from tests.conftest import REPO_ROOT
from tests.helm.traffic.callers import Callers, HttpCaller
from tests.helm.traffic.conftest import Pods, wait_until_healthy
from tests.helm.traffic.envoy_process import EnvoyProcess
from tests.serving.calls import wait_until

pytestmark = pytest.mark.triton

SHORT = {"timeouts": {"requestSeconds": 1, "perTrySeconds": 1}}


def ask(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return int(error.code)


def test_an_envoy_that_drains_hands_its_callers_over_and_loses_no_answer(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    envoy = start_envoy({"envoy": SHORT})
    ready = f"http://127.0.0.1:{envoy.ports.metrics}/ready"
    assert ask(ready) == 200
    with Callers(envoy.http_url, envoy.grpc_url, count=8) as callers:
        time.sleep(0.7)
        before = envoy.stats()
        # The preStop command of the chart, in the chart's own words.
        pre_stop = subprocess.Popen(envoy.drain_command())
        wait_until(lambda: ask(ready) == 503, timeout_s=5, what="Envoy is not ready any more")
        assert ask(ready.replace("/ready", "/live")) == 200, "the kubelet would kill it in its drain"
        time.sleep(1.5)
        after = envoy.stats()
        assert callers.errors == []
    # Every connection was ended with an answer, so that the next one goes to another Envoy.
    for protocol in ("http", "grpc"):
        opened = after[f"http.{protocol}.downstream_cx_total"] - before[f"http.{protocol}.downstream_cx_total"]
        assert opened >= 4, protocol
    assert pre_stop.wait(20) == 0
    os.kill(envoy.process.pid, signal.SIGTERM)
    assert envoy.process.wait(10) == 0


def test_connections_end_kindly_when_they_grow_old(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    envoy = start_envoy({"envoy": {**SHORT, "connectionAge": {"maxSeconds": 1}}})
    with Callers(envoy.http_url, envoy.grpc_url, count=8) as callers:
        time.sleep(3.5)
    stats = envoy.stats()
    assert callers.errors == []
    for protocol in ("http", "grpc"):
        assert stats[f"http.{protocol}.downstream_cx_total"] >= 12, "four callers over three seconds"
        assert stats[f"http.{protocol}.downstream_cx_max_duration_reached"] >= 8


def test_the_metrics_port_shows_statistics_and_nothing_that_changes_envoy(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    envoy = start_envoy()
    HttpCaller(envoy.http_url).infer()
    port = f"http://127.0.0.1:{envoy.ports.metrics}"
    with urllib.request.urlopen(f"{port}/stats/prometheus", timeout=5) as answer:
        text = answer.read().decode()
    assert 'envoy_cluster_upstream_rq_total{envoy_cluster_name="stable-http"}' in text
    for path in ("/", "/config_dump", "/quitquitquit", "/healthcheck/fail", "/clusters", "/logging", "/certs"):
        assert ask(f"{port}{path}") == 404, path


@pytest.fixture
def probe_port(pods: Pods) -> Iterator[int]:
    """The sidecar of each stable pod, at its pod's address."""
    port = resolve_ports("0.0.0.0", http=0, grpc=0, metrics=0).http
    watch = [
        sys.executable,
        "-m",
        "serving.probes",
        "watch",
        "--model",
        "detect",
        "--interval-s",
        "0.3",
        "--timeout-s",
        "2",
    ]
    sidecars = [
        subprocess.Popen([*watch, "--url", server.http_url, "--listen", f"{server.connect_host}:{port}"], cwd=REPO_ROOT)
        for server in pods.stable
    ]
    yield port
    for sidecar in sidecars:
        sidecar.terminate()
        sidecar.wait(10)


def test_asked_by_the_sidecar_a_pod_with_a_dead_model_process_is_left_out_although_triton_calls_it_ready(
    pods: Pods, probe_port: int, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    envoy = start_envoy({"envoy": {"healthCheck": {"via": "probe"}}}, replace_ports={8003: probe_port})
    wait_until_healthy(envoy, "stable-grpc", 2)
    victim = pods.stable[0]
    os.kill(find_stubs(victim.pid)[0].pid, 9)
    try:
        wait_until_healthy(envoy, "stable-grpc", 1)
        wait_until_healthy(envoy, "stable-http", 1)
        assert HttpCaller(victim.http_url).request("GET", "/v2/models/detect/ready")[0] == 200
        with Callers(envoy.http_url, envoy.grpc_url, count=4) as callers:
            time.sleep(0.5)
        assert callers.errors == []
        assert set(callers.servers_since(0)) == {2}
    finally:
        victim.restart()
    wait_until_healthy(envoy, "stable-grpc", 2)


def test_routes_that_envoy_refuses_change_nothing(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    envoy = start_envoy()
    config = envoy.folder / "config"
    broken = config / "..broken"
    shutil.copytree((config / "..data").resolve(), broken)
    routes = (broken / "routes.yaml").read_text()
    (broken / "routes.yaml").write_text(routes.replace("safe_regex: {regex: ", "safe_regex: {regexp: "))
    (config / "..new").symlink_to(broken.name)
    os.replace(config / "..new", config / "..data")
    wait_until(lambda: envoy.stat("rds.genod.update_rejected") > 0, timeout_s=10, what="the file is refused")
    assert HttpCaller(envoy.http_url).infer() in (1, 2)


def test_what_envoy_adds_to_latency(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    envoy = start_envoy()

    def median_ms(url: str) -> float:
        caller = HttpCaller(url)
        durations_s = []
        for _ in range(60):
            started_s = time.monotonic()
            caller.request("GET", "/v2/models/detect")
            durations_s.append(time.monotonic() - started_s)
        return sorted(durations_s)[30] * 1000

    direct_ms = median_ms(pods.stable[0].http_url)
    through_ms = median_ms(envoy.http_url)
    print(f"\nmetadata: {direct_ms:.2f} ms direct, {through_ms:.2f} ms through Envoy, {through_ms / direct_ms:.2f}x")
    assert through_ms > 0
