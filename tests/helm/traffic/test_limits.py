"""What Envoy refuses, and how: calls that are not offered, too many, too large, and what overload leads to."""

import time
from collections.abc import Callable, Iterator

import grpc
import pytest
import tritonclient.grpc as triton_grpc
from tritonclient.utils import InferenceServerException

from serving import TritonServer
from tests.helm.traffic.callers import INFER_PATH, Callers, GrpcCaller, HttpCaller
from tests.helm.traffic.conftest import STABLE_NAME, Pods, start_server
from tests.helm.traffic.envoy_process import EnvoyProcess

pytestmark = pytest.mark.triton


def grpc_status(call: Callable[[], object]) -> str:
    with pytest.raises(InferenceServerException) as caught:
        call()
    return str(caught.value.status()).removeprefix("StatusCode.")


REFUSED_PATHS = [
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/detect/unload"),
    ("GET", "/v2/systemsharedmemory/status"),
    ("GET", "/v2/cudasharedmemory/status"),
    ("POST", "/v2/trace/setting"),
    ("GET", "/v2/models/detect/trace/setting"),
    ("GET", "/v2/logging"),
    ("POST", "/v2/models/detect"),
    ("GET", "/v2/models/detect/../../repository/index"),
    ("POST", "/v2//repository//index"),
    ("POST", "/v2/%72epository/index"),
    ("GET", "/metrics"),
    ("GET", "/"),
]


def test_only_inference_metadata_and_health_reach_triton(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    envoy = start_envoy()
    http = HttpCaller(envoy.http_url)
    for method, path in REFUSED_PATHS:
        status, headers, body = http.request(method, path, "{}" if method == "POST" else None)
        assert status == 403, (method, path, status)
        assert headers["content-type"] == "application/json"
        assert '"error"' in body
    # An escaped slash may mean one thing here and another in Triton.
    assert http.request("GET", "/v2/models/detect%2F..%2F..%2Frepository/index")[0] == 400
    allowed = ["/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/stats"]
    allowed += [
        f"/v2/models/detect{rest}" for rest in ("", "/ready", "/config", "/stats", "/versions/1", "/versions/1/ready")
    ]
    assert {path: http.request("GET", path)[0] for path in allowed} == dict.fromkeys(allowed, 200)

    client = triton_grpc.InferenceServerClient(envoy.grpc_url)
    refused: list[Callable[[], object]] = [
        client.get_model_repository_index,
        lambda: client.unload_model("detect"),
        client.get_system_shared_memory_status,
        client.get_cuda_shared_memory_status,
        client.get_trace_settings,
        client.get_log_settings,
    ]
    assert [grpc_status(call) for call in refused] == ["PERMISSION_DENIED"] * len(refused)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("detect")
    assert client.get_model_metadata("detect").name == "detect"
    assert client.get_model_config("detect").config.name == "detect"
    assert client.get_inference_statistics("detect").model_stats
    client.close()


def test_calls_that_values_switch_off_are_refused(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    envoy = start_envoy({"envoy": {"apis": {"modelConfig": False, "statistics": False}}})
    http = HttpCaller(envoy.http_url)
    for path in ("/v2/models/detect/config", "/v2/models/detect/stats", "/v2/models/stats"):
        assert http.request("GET", path)[0] == 403
    client = triton_grpc.InferenceServerClient(envoy.grpc_url)
    assert grpc_status(lambda: client.get_model_config("detect")) == "PERMISSION_DENIED"
    assert grpc_status(lambda: client.get_inference_statistics("detect")) == "PERMISSION_DENIED"
    client.close()


def test_both_ports_speak_both_protocols(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    envoy = start_envoy()
    assert HttpCaller(envoy.grpc_url).infer() in (1, 2)
    assert GrpcCaller(envoy.http_url).infer() in (1, 2)


def test_callers_cannot_change_timeouts_and_retries(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    envoy = start_envoy()
    wishes = {
        "x-envoy-upstream-rq-timeout-ms": "1",
        "x-envoy-upstream-rq-per-try-timeout-ms": "1",
        "x-envoy-max-retries": "50",
        "x-envoy-retry-on": "5xx",
    }
    assert HttpCaller(envoy.http_url, headers=wishes).infer() in (1, 2)
    assert envoy.stat("upstream_rq_retry") == 0


def test_above_the_rate_callers_get_429_or_resource_exhausted_and_nothing_is_retried(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    envoy = start_envoy({"envoy": {"rateLimit": {"enabled": True, "inference": {"requestsPerSecond": 1, "burst": 5}}}})
    http, grpc_caller = HttpCaller(envoy.http_url), GrpcCaller(envoy.grpc_url)
    answers = [http.request("POST", INFER_PATH, http._body) for _ in range(12)]
    statuses = [status for status, _, _ in answers]
    assert 5 <= statuses.count(200) <= 7
    assert statuses.count(429) == 12 - statuses.count(200)
    assert answers[statuses.index(429)][1]["retry-after"] == "1"
    # Health is asked by others than the callers who asked too often.
    assert http.request("GET", "/v2/health/ready")[0] == 200
    codes = []
    for _ in range(12):
        try:
            grpc_caller.infer()
        except InferenceServerException as error:
            codes.append(error.status())
    assert 5 <= len(codes) <= 7
    assert set(codes) == {str(grpc.StatusCode.RESOURCE_EXHAUSTED)}
    assert envoy.stat("upstream_rq_retry") == 0


def test_the_rate_of_all_calls_together_is_limited_too(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    envoy = start_envoy({"envoy": {"rateLimit": {"enabled": True, "all": {"requestsPerSecond": 1, "burst": 4}}}})
    http = HttpCaller(envoy.http_url)
    statuses = [http.request("GET", "/v2/health/ready")[0] for _ in range(10)]
    assert statuses[:4] == [200] * 4
    assert 429 in statuses


def test_too_large_a_request_is_refused_before_it_reaches_triton(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    envoy = start_envoy({"envoy": {"limits": {"requestMiB": 1}}})
    assert HttpCaller(envoy.http_url, ballast="x" * 900_000).infer() in (1, 2)
    large = HttpCaller(envoy.http_url, ballast="x" * 1_200_000)
    with pytest.raises(RuntimeError, match=r"413 .*error"):
        large.infer()


@pytest.fixture
def small_pods(pods: Pods, tmp_path) -> Iterator[list[TritonServer]]:
    """Two servers that hold few requests: 8 in a batch and 4 waiting."""
    servers: list[TritonServer] = []
    try:
        for number in (5, 6):
            server = start_server(
                tmp_path / f"small{number}",
                f"127.0.0.{number}",
                pods.ports,
                server=number,
                delay_s=0.1,
                max_queue_size=4,
            )
            servers.append(server)
        pods.dns.addresses[STABLE_NAME] = [server.connect_host for server in servers]
        yield servers
    finally:
        for server in servers:
            server.process.kill()
            server.stop()


def overload(envoy: EnvoyProcess) -> tuple[int, int, int]:
    """48 callers for 24 places: calls, tries that Envoy made of them, answers."""
    with Callers(envoy.http_url, envoy.grpc_url, count=48, pause_s=0.05) as callers:
        time.sleep(3)
    tries = envoy.stat("stable-http.upstream_rq_total") + envoy.stat("stable-grpc.upstream_rq_total")
    return len(callers.outcomes), tries, len(callers.outcomes) - len(callers.errors)


def test_overload_is_not_answered_with_a_storm_of_retries(
    pods: Pods, small_pods: list[TritonServer], start_envoy: Callable[..., EnvoyProcess]
) -> None:
    limits = {"inFlightPerPod": 64, "maxPods": 2}
    without = {"retries": {"attempts": 5, "budgetPercent": 100, "backOffMs": 10, "maxBackOffMs": 20}, "limits": limits}
    within = {"retries": {"attempts": 5, "budgetPercent": 20, "minConcurrency": 2, "backOffMs": 10, "maxBackOffMs": 20}}
    storm = start_envoy({"envoy": without}, name="storm")
    calls, tries, answered = overload(storm)
    storm_ratio = tries / calls
    calm = start_envoy({"envoy": {**within, "limits": limits}}, name="calm")
    calm_calls, calm_tries, calm_answered = overload(calm)
    calm_ratio = calm_tries / calm_calls
    print(
        f"\noverload: {storm_ratio:.2f} tries a call without a budget ({calls} calls, {answered} answered),"
        f" {calm_ratio:.2f} with ({calm_calls} calls, {calm_answered} answered)"
    )
    assert calm.stat("upstream_rq_retry_overflow") > 0, "the budget was never reached: this shows nothing"
    assert calm_ratio < storm_ratio
    # Nobody was thrown out for being busy.
    assert calm.stat("outlier_detection.ejections_enforced_total") == 0
    assert calm_answered > 0.7 * answered


def test_beyond_what_the_pods_can_hold_envoy_refuses_by_itself(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    envoy = start_envoy({"envoy": {"limits": {"inFlightPerPod": 2, "maxPods": 2}}})
    with Callers(envoy.http_url, "", count=16, protocols=("http",)) as callers:
        time.sleep(1)
    # As many running as may run, or as many waiting as may wait: either is a refusal.
    assert (
        envoy.stat("stable-http.upstream_rq_pending_overflow") + envoy.stat("stable-http.upstream_rq_active_overflow")
        > 0
    )
    assert callers.errors
    assert all("503" in error for error in callers.errors)
    assert len(callers.errors) < len(callers.outcomes)
    assert envoy.stat("to-stable-http.upstream_rq_retry") == 0
