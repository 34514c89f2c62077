import helm_python
import pytest
import yaml

from serving.ports import ServerPorts
from tests.helm.chart import Manifest, render
from tests.helm.traffic.envoy_process import EnvoyProcess, envoy_is_missing

ON: Manifest = {"tracing": {"enabled": True}, "envoy": {"enabled": True}}


def trace_flags(values: Manifest) -> list[str]:
    pod = render(values).one("Deployment", "genod-triton-stable")["spec"]["template"]["spec"]
    [triton] = [container for container in pod["containers"] if container["name"] == "triton"]
    return [flag.removeprefix("--trace-config=") for flag in triton["args"] if flag.startswith("--trace-config=")]


def test_nothing_is_traced_when_switched_off():
    assert trace_flags({"tracing": {"enabled": False}}) == []
    envoy = render({"envoy": {"enabled": True}}).one("ConfigMap", "genod-envoy")["data"]["envoy.yaml"]
    assert "OpenTelemetryConfig" not in envoy
    assert "name: traces" not in envoy


def test_triton_sends_one_request_of_a_thousand_to_the_collector():
    assert trace_flags(ON) == [
        "mode=opentelemetry",
        "level=TIMESTAMPS",
        "rate=1000",
        "count=-1",
        "opentelemetry,url=http://otel-collector.observability.svc:4318/v1/traces",
        "opentelemetry,resource=service.name=genod",
        "opentelemetry,bsp_max_queue_size=2048",
        "opentelemetry,bsp_schedule_delay=5000",
        "opentelemetry,bsp_max_export_batch_size=512",
    ]


def test_values_decide_how_many_and_by_which_names():
    flags = trace_flags(
        {"tracing": {"enabled": True, "oneIn": 10, "resourceAttributes": {"deployment.environment": "eu"}}}
    )
    assert "rate=10" in flags
    assert "opentelemetry,resource=deployment.environment=eu" in flags


def test_envoy_begins_the_trace_and_keeps_what_the_caller_decided():
    bootstrap = yaml.safe_load(render(ON).one("ConfigMap", "genod-envoy")["data"]["envoy.yaml"])
    for listener in bootstrap["static_resources"]["listeners"]:
        [network_filter] = listener["filter_chains"][0]["filters"]
        manager = network_filter["typed_config"]
        if listener["name"] == "metrics":
            assert "tracing" not in manager
        else:
            assert manager["tracing"]["random_sampling"] == {"value": 0.1}
    [traces] = [cluster for cluster in bootstrap["static_resources"]["clusters"] if cluster["name"] == "traces"]
    assert "otel-collector.observability.svc" in str(traces["load_assignment"])


def test_the_real_envoy_takes_it(tmp_path):
    missing = envoy_is_missing()
    if missing:
        pytest.skip(missing)
    ports = ServerPorts(http=1, grpc=2, metrics=3)
    EnvoyProcess(tmp_path / "envoy", ON, dns_port=53, servers=ports, replace_ports={4317: 4317}).validate()


@pytest.mark.parametrize(
    ("tracing", "message"),
    [
        (
            {"batch": {"maxExportBatchSize": 4096}},
            "maxExportBatchSize (4096) must not exceed tracing.batch.maxQueueSize (2048)",
        ),
        ({"otlp": {"url": "otel-collector:4317"}}, "tracing"),
        ({"oneIn": 0}, "tracing"),
        ({"resourceAttributes": {"a": "b,c"}}, "tracing"),
        ({"rate": 5}, "tracing"),
    ],
    ids=["batch", "no scheme", "never", "a comma would end the flag", "typo"],
)
def test_contradictions_are_refused(tracing, message):
    with pytest.raises(helm_python.HelmError) as refusal:
        render({"tracing": {"enabled": True, **tracing}})
    assert message in str(refusal.value)
