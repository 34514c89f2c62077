"""The real tritonserver with the metrics, cache and tracing flags that the chart renders."""

import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from loadtest.stages import collect_settled_statistics
from serving import ServerOptions
from serving.installation import find_installation
from serving.options import build_arguments
from serving.ports import resolve_ports
from serving.process import TritonProcess
from tests.helm.chart import Manifest, render
from tests.helm.monitoring.chart_queries import metrics_of_the_chart
from tests.helm.monitoring.metric_names import NEED_GPU, NEED_KUBE_STATE_METRICS, OWN, metrics_in
from tests.helm.monitoring.otlp_collector import OtlpCollector
from tests.serving.calls import column, infer_http, wait_until
from tests.serving.toy_repository import write_diamond, write_double

pytestmark = pytest.mark.triton

#: A W3C trace context, as a caller or Envoy sends it.
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


@dataclass(frozen=True)
class Flagged:
    """A server that has answered, and what came of it."""

    http_url: str
    exposition: str
    collector: OtlpCollector

    @property
    def metric_names(self) -> set[str]:
        lines = self.exposition.splitlines()
        return {line.partition("{")[0].partition(" ")[0] for line in lines if not line.startswith("#")}


def flags(values: Manifest) -> list[str]:
    """Flags of Triton's container that this chapter of the chart decides."""
    pod = render(values).one("Deployment", "genod-triton-stable")["spec"]["template"]["spec"]
    [triton] = [container for container in pod["containers"] if container["name"] == "triton"]
    wanted = ("--metrics-config", "--trace-config", "--cache-config", "--metrics-interval-ms")
    return [argument for argument in triton["args"] if argument.startswith(wanted)]


def is_ready(http_url: str, process: TritonProcess, log: Path) -> bool:
    assert process.poll_exit_code() is None, log.read_text()[-3000:]
    try:
        with urllib.request.urlopen(f"http://{http_url}/v2/health/ready", timeout=1) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def flagged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flagged]:
    folder: Path = tmp_path_factory.mktemp("flagged")
    repository = folder / "repository"
    repository.mkdir()
    write_diamond(repository, multiplications=1)
    write_double(repository, settings="response_cache { enable: true }\n")
    ports = resolve_ports("127.0.0.1", http=0, grpc=0, metrics=0)
    installation = find_installation()
    log = folder / "triton.log"
    with OtlpCollector() as collector:
        values: Manifest = {
            "triton": {"responseCache": {"enabled": True, "sizeMiB": 4}, "metrics": {"intervalMs": 200}},
            "tracing": {
                "enabled": True,
                "oneIn": 1,
                "otlp": {"url": collector.url},
                "resourceAttributes": {"deployment.environment": "test-bed"},
                "batch": {"scheduleDelayMs": 200},
            },
        }
        arguments = build_arguments(ServerOptions(repository), installation, ports) + flags(values)
        process = TritonProcess(arguments, installation.environment, log)
        try:
            http_url = f"127.0.0.1:{ports.http}"
            wait_until(lambda: is_ready(http_url, process, log), timeout_s=60, what=f"readiness, see {log}")
            process.remember_stubs()
            for _ in range(3):
                infer_http(http_url, "detect_toy", {"x": column(1.0)}, ["y"])
                infer_http(http_url, "double", {"x": column(1.0)}, ["y"])
            collect_settled_statistics(f"http://{http_url}")  # requests are counted after they are answered
            with urllib.request.urlopen(f"http://127.0.0.1:{ports.metrics}/metrics", timeout=5) as response:
                exposition = response.read().decode()
            yield Flagged(http_url, exposition, collector)
        finally:
            process.stop(2)


def test_every_metric_of_triton_that_the_chart_asks_for_is_really_there(flagged):
    used = {name for name in metrics_of_the_chart() if name.startswith("nv_")}
    assert len(used) > 12
    assert used - flagged.metric_names == NEED_GPU


def test_every_other_metric_has_a_known_origin():
    known = OWN | NEED_KUBE_STATE_METRICS
    others = {name for name in metrics_of_the_chart() if not name.startswith(("nv_", "envoy_", "genod_probe_"))}
    assert others - known == set()


def test_a_name_that_nobody_writes_would_be_noticed():
    assert metrics_in('sum by (pod) (rate(nv_inference_sucess{model!~"a"}[5m])) > 0') == {"nv_inference_sucess"}


def test_failures_are_counted_by_reason_from_the_start(flagged):
    # Without a 0 there the first failures of a pod would be no increase.
    for reason in ("BACKEND", "REJECTED", "OTHER"):
        assert (
            f'nv_inference_request_failure{{model="detect_toy",reason="{reason}",version="1"}} 0' in flagged.exposition
        )


def test_the_version_label_is_that_of_the_release(flagged):
    assert 'nv_inference_request_success{model="detect_toy",version="1"} 3' in flagged.exposition


def test_p99_of_each_pod_is_there(flagged):
    assert 'nv_inference_request_summary_us{model="detect_toy",version="1",quantile="0.99"}' in flagged.exposition


def test_the_cache_counts_hits_and_misses(flagged):
    assert 'nv_cache_num_hits_per_model{model="double",version="1"} 2' in flagged.exposition
    assert 'nv_cache_num_misses_per_model{model="double",version="1"} 1' in flagged.exposition


def test_traces_reach_the_collector_with_a_span_for_each_step(flagged):
    collector = flagged.collector

    def has_all() -> bool:
        sent = b"".join(collector.bodies)
        return all(name in sent for name in (b"detect_toy", b"stem", b"branch_a", b"join", b"test-bed", b"genod"))

    wait_until(has_all, timeout_s=20, what=f"spans of the ensemble and its steps; {len(collector.bodies)} exports came")
    assert collector.paths == {"/v1/traces"}


def test_a_callers_trace_is_continued(flagged):
    request = urllib.request.Request(
        f"http://{flagged.http_url}/v2/models/double/infer",
        data=b'{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [7]}]}',
        headers={"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200
    # OTLP over HTTP is protobuf or JSON: the id as bytes, or as text.
    forms = (bytes.fromhex(TRACE_ID), TRACE_ID.encode())
    wait_until(
        lambda: any(form in body for body in flagged.collector.bodies for form in forms),
        timeout_s=20,
        what="a span of the caller's trace",
    )
