"""The whole chain for real: Triton, its probe and Envoy as rendered, a Prometheus that scrapes them, the chart's rules.

Windows and waits are shortened by values, to seconds; expressions and thresholds' meanings are those of production.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from serving import ServerOptions, TritonServer
from serving.ports import ServerPorts, resolve_ports
from serving.stub_processes import find_stubs
from tests.helm.chart import Manifest, render
from tests.helm.monitoring.chart_queries import dashboard_queries, filled_in, metrics_of_the_chart
from tests.helm.monitoring.metric_names import APPEAR_WITH_FAILURES, NEED_GPU, NEED_KUBE_STATE_METRICS, metrics_in
from tests.helm.monitoring.open_loop import OpenLoop
from tests.helm.monitoring.prometheus_rules import require_program, write_rules
from tests.helm.monitoring.real_prometheus import RealPrometheus
from tests.helm.monitoring.slow_detect import CAPACITY_PER_S, write_slow_detect
from tests.helm.traffic.cluster_dns import ClusterDns
from tests.helm.traffic.conftest import STABLE_NAME, wait_until_healthy
from tests.helm.traffic.envoy_process import EnvoyProcess, envoy_is_missing
from tests.serving.calls import wait_until

pytestmark = [pytest.mark.triton, pytest.mark.slow]

POD_ADDRESS = "127.0.0.9"

SECONDS: Manifest = {
    "monitoring": {
        "enabled": True,
        "rules": {"intervalSeconds": 1, "kubeStateMetrics": False},
        "slo": {
            "pageOn": [{"factor": 14.4, "long": "10s", "short": "4s"}],
            "ticketOn": [{"factor": 3, "long": "10s", "short": "4s"}],
            "for": "1s",
        },
        "alerts": {
            "probeFailing": {"for": "1s"},
            "modelOnlyFails": {"for": "1s", "window": "5s"},
            "queueGrowing": {"pendingPerPod": 5, "window": "4s", "for": "1s"},
            "queueTimeHigh": {"for": "1s"},
            "requestsRejected": {"for": "1s"},
        },
    },
    "autoscaling": {
        "enabled": True,
        "signals": {
            "pendingRequests": {"window": "5s"},
            "queueTime": {"window": "5s"},
            "requestRate": {"enabled": True, "window": "5s"},
        },
    },
    "envoy": {
        "dns": {"refreshMs": 500},
        "healthCheck": {"intervalMs": 500, "timeoutMs": 500},
    },
}


@dataclass(frozen=True)
class Watched:
    """What runs, and what watches it."""

    prometheus: RealPrometheus
    load: OpenLoop
    server: TritonServer

    def wait_for(self, alerts: set[str], *, timeout_s: float) -> set[str]:
        """Alerts of these that did not fire within the time."""
        seen: set[str] = set()
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and alerts - seen:
            seen |= self.prometheus.firing()
            time.sleep(0.3)
        return alerts - seen


def scaling_queries() -> dict[str, str]:
    triggers = render(SECONDS).one("ScaledObject", "genod-triton-stable")["spec"]["triggers"]
    return {trigger["name"]: trigger["metadata"]["query"] for trigger in triggers}


def target(job: str, address: str, *, path: str = "/metrics", **labels: str) -> Manifest:
    """A scrape as the monitors make it: their labels come from the pod."""
    labels = {"namespace": "vision", "pod": f"{job}-0", **labels}
    return {"job_name": job, "metrics_path": path, "static_configs": [{"targets": [address], "labels": labels}]}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    require_program("prometheus")
    missing = envoy_is_missing()
    if missing:
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("watched")
    options = ServerOptions(
        write_slow_detect(folder / "repository"),
        host=POD_ADDRESS,
        http_port=0,
        grpc_port=0,
        metrics_port=0,
        exit_timeout_s=1,
        log_file=folder / "triton.log",
    )
    track = {"genod_track": "stable", "genod_release": "1"}
    with TritonServer(options) as server, ClusterDns() as dns:
        dns.addresses = {STABLE_NAME: [POD_ADDRESS]}
        probe_address = f"127.0.0.1:{resolve_ports('127.0.0.1', http=0, grpc=0, metrics=0).http}"
        probe = start_probe(server.ports, probe_address, folder / "probe.log")
        try:
            with EnvoyProcess(folder / "envoy", SECONDS, dns_port=dns.port, servers=server.ports) as envoy:
                # Requests that come earlier fail, and would count.
                wait_until_healthy(envoy, "stable-grpc", 1)
                scrapes = [
                    target("genod-triton", f"{POD_ADDRESS}:{server.ports.metrics}", **track),
                    target("genod-probe", probe_address, **track),
                    target("genod-envoy", f"127.0.0.1:{envoy.ports.metrics}", path="/stats/prometheus"),
                ]
                rules = write_rules(folder, SECONDS)
                with (
                    RealPrometheus(folder / "prometheus", rules=rules, scrapes=scrapes) as prometheus,
                    OpenLoop(envoy.grpc_url, rate_per_s=4) as load,
                ):
                    wait_until(
                        lambda: prometheus.value("min(genod_probe_up)") == 1,
                        timeout_s=30,
                        what="Prometheus sees the probe",
                    )
                    yield Watched(prometheus, load, server)
        finally:
            probe.terminate()
            probe.wait(20)


def start_probe(ports: ServerPorts, listen: str, log: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "serving.probes", "watch", f"--url={POD_ADDRESS}:{ports.http}", "--model=detect"]
    command += ["--interval-s=0.5", "--timeout-s=3", f"--listen={listen}"]
    return subprocess.Popen(command, stdout=log.open("wb"), stderr=subprocess.STDOUT)


def test_a_quiet_server_raises_no_alert_and_asks_for_no_pods(watched):
    time.sleep(8)
    assert watched.prometheus.broken_rules() == []
    assert watched.prometheus.firing() == set()
    assert watched.load.answered > 5
    queries = scaling_queries()
    assert watched.prometheus.value(queries["pending-requests"]) < 2
    assert watched.prometheus.value(queries["queue-time-ms"]) < 50
    assert 1 < watched.prometheus.value(queries["request-rate"]) < 8


def test_every_metric_of_envoy_and_of_the_probe_is_really_there(watched):
    there = watched.prometheus.metric_names() | APPEAR_WITH_FAILURES
    used = {name for name in metrics_of_the_chart() if name.startswith(("envoy_", "genod_probe_", "up"))}
    assert len(used) > 15
    assert used - there == set()


def test_every_panel_of_the_dashboard_shows_something(watched):
    absent = NEED_GPU | NEED_KUBE_STATE_METRICS | {"nv_inference_request_summary_us"}
    # The toy has no cache, nothing fails yet, and a pool of 0 bytes has no share in use.
    empty = {"Hit rate", "Fill level", "Evictions", "Failures", "Pinned pool in use"}
    for title, expression in dashboard_queries():
        samples = watched.prometheus.query(filled_in(expression, window="5s"))
        if title in empty or metrics_in(expression) & absent:
            continue
        assert samples, f"{title}: {expression}"


def test_an_overloaded_server_raises_its_alerts_and_asks_for_pods(watched):
    watched.load.rate_per_s = 1.6 * CAPACITY_PER_S
    missing = watched.wait_for(
        {
            "GenodQueueGrows",
            "GenodQueueTimeHigh",
            "GenodRequestsRejected",
            "GenodLatencyBudgetBurnsFast",
            "GenodErrorBudgetBurnsFast",
        },
        timeout_s=40,
    )
    assert missing == set()
    assert "GenodModelProbeFails" not in watched.prometheus.firing(), "overload is no reason to restart a server"
    queries = scaling_queries()
    signals = render(SECONDS).one("ScaledObject", "genod-triton-stable")["spec"]["triggers"]
    thresholds = {trigger["name"]: float(trigger["metadata"]["threshold"]) for trigger in signals}
    assert watched.prometheus.value(queries["pending-requests"]) > thresholds["pending-requests"]
    assert watched.prometheus.value(queries["queue-time-ms"]) > thresholds["queue-time-ms"]
    assert watched.prometheus.value(queries["request-rate"]) > 20


def test_alerts_end_when_the_overload_ends(watched):
    watched.load.rate_per_s = 4
    deadline = time.monotonic() + 40
    look_back_over_minutes = {"GenodRequestsRejected", "GenodQueueTimeHigh"}
    while watched.prometheus.firing() - look_back_over_minutes:
        assert time.monotonic() < deadline, watched.prometheus.firing()
        time.sleep(0.3)


def test_a_killed_stub_raises_its_alerts(watched):
    [stub] = find_stubs(watched.server.pid)
    os.kill(stub.pid, 9)
    missing = watched.wait_for({"GenodModelProbeFails", "GenodModelOnlyFails"}, timeout_s=40)
    assert missing == set()
