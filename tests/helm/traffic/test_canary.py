"""Two releases side by side: how much each gets, and what happens when the new one is ill."""

import os
import time
from collections.abc import Callable

import pytest
import tritonclient.grpc as triton_grpc
from tritonclient.utils import InferenceServerException

from serving.stub_processes import find_stubs
from tests.helm.traffic.callers import Callers, GrpcCaller, HttpCaller
from tests.helm.traffic.conftest import CANARY_NAME, Pods, wait_until_healthy
from tests.helm.traffic.envoy_process import EnvoyProcess
from tests.serving.calls import wait_until

pytestmark = pytest.mark.triton

CANARY = 3


def canary_values(weight: int) -> dict:
    return {"canary": {"enabled": True, "release": 2, "weight": weight}}


def share_bounds(weight: int, calls: int) -> tuple[float, float]:
    """Calls that the canary may get: four standard deviations of the binomial, wrong once in 16,000 runs."""
    share = weight / 100
    deviation = (calls * share * (1 - share)) ** 0.5
    return calls * share - 4 * deviation, calls * share + 4 * deviation


def test_weights_hold_within_statistics_for_both_protocols(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    envoy = start_envoy(canary_values(20))
    with Callers(envoy.http_url, envoy.grpc_url, count=16) as callers:
        wait_until(lambda: len(callers.outcomes) > 800, timeout_s=60, what="800 calls")
    assert callers.errors == []
    for protocol in ("http", "grpc"):
        servers = [outcome.server for outcome in callers.outcomes if outcome.protocol == protocol]
        low, high = share_bounds(20, len(servers))
        print(
            f"\ncanary at 20 %: {servers.count(CANARY)} of {len(servers)} {protocol} calls,"
            f" allowed {low:.0f}..{high:.0f}"
        )
        assert low <= servers.count(CANARY) <= high


def test_one_value_takes_everything_back_without_a_restart(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    envoy = start_envoy(canary_values(50))
    with Callers(envoy.http_url, envoy.grpc_url, count=8) as callers:
        wait_until(lambda: CANARY in callers.servers_since(0), timeout_s=10, what="the canary answers")
        connections = envoy.stat("downstream_cx_total")
        envoy.change({**canary_values(0)})
        wait_until(lambda: envoy.stat("rds.genod.config_reload") >= 2, timeout_s=10, what="routes are read again")
        time.sleep(0.2)
        changed_s = time.monotonic()
        time.sleep(0.7)
        assert envoy.stats()["http.http.downstream_cx_destroy"] == 0, "a caller was cut off"
    assert callers.errors == []
    assert set(callers.servers_since(changed_s)) == {1, 2}
    assert connections > 0
    # Still there for whoever asks for it.
    assert HttpCaller(envoy.http_url, headers={"x-genod-track": "canary"}).infer() == CANARY


def test_an_envoy_that_is_older_than_the_canary_understands_its_routes(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    # `helm upgrade` changes the routes of the running Envoys before their successors are ready.
    envoy = start_envoy({})
    with Callers(envoy.http_url, envoy.grpc_url, count=8) as callers:
        envoy.change(canary_values(50))
        wait_until(lambda: CANARY in callers.servers_since(0), timeout_s=10, what="the canary answers")
    assert callers.errors == []


def test_a_track_can_be_asked_for(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    envoy = start_envoy(canary_values(50))
    for caller_type, url in ((HttpCaller, envoy.http_url), (GrpcCaller, envoy.grpc_url)):
        canary = caller_type(url, headers={"x-genod-track": "canary"})
        stable = caller_type(url, headers={"x-genod-track": "stable"})
        assert {canary.infer() for _ in range(12)} == {CANARY}
        assert CANARY not in {stable.infer() for _ in range(12)}
    _, headers, _ = HttpCaller(envoy.http_url, headers={"x-genod-track": "canary"}).request("GET", "/v2/models/detect")
    assert headers["x-genod-track"] == "canary"


def test_a_canary_without_ready_pods_gets_nothing(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    # A pod that fails its readiness probe is not in DNS.
    pods.dns.addresses[CANARY_NAME] = []
    envoy = start_envoy(canary_values(100))
    with Callers(envoy.http_url, envoy.grpc_url, count=8) as callers:
        time.sleep(0.7)
        began_s = time.monotonic()
        pods.announce()
        wait_until_healthy(envoy, "canary-http", 1)
        wait_until_healthy(envoy, "canary-grpc", 1)
        ready_s = time.monotonic()
        time.sleep(0.5)
    assert callers.errors == []
    before = [outcome.server for outcome in callers.outcomes if outcome.ended_s < began_s]
    assert set(before) == {1, 2}
    assert set(callers.servers_since(ready_s)) == {CANARY}


def test_a_canary_that_fails_its_health_checks_gets_nothing_until_it_recovers(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    envoy = start_envoy(canary_values(50))
    with Callers(envoy.http_url, envoy.grpc_url, count=16) as callers:
        wait_until(lambda: CANARY in callers.servers_since(0), timeout_s=10, what="the canary answers")
        os.kill(pods.canary.pid, 9)
        wait_until_healthy(envoy, "canary-http", 0)
        wait_until_healthy(envoy, "canary-grpc", 0)
        ill_s = time.monotonic()
        time.sleep(0.7)
        recovering_s = time.monotonic()
        sent_while_ill = envoy.stat("canary-http.upstream_rq_total") + envoy.stat("canary-grpc.upstream_rq_total")
        time.sleep(0.3)
        later = envoy.stat("canary-http.upstream_rq_total") + envoy.stat("canary-grpc.upstream_rq_total")
        assert later == sent_while_ill
        pods.canary.restart()
        wait_until_healthy(envoy, "canary-http", 1)
        wait_until_healthy(envoy, "canary-grpc", 1)
        well_s = time.monotonic()
        wait_until(lambda: CANARY in callers.servers_since(well_s), timeout_s=10, what="the canary answers again")
    assert callers.errors == []
    while_ill = [o.server for o in callers.outcomes if ill_s < o.started_s and o.ended_s < recovering_s]
    assert len(while_ill) > 20
    assert CANARY not in while_ill


def test_a_canary_that_passes_readiness_but_cannot_infer_is_left_out(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    """A dead stub: ready says 200 and inference says 500, until the probe's restart."""
    errors_allowed = 4
    outliers = {"ejectionSeconds": 60, "consecutiveErrors": errors_allowed}
    envoy = start_envoy({**canary_values(50), "envoy": {"outlierDetection": outliers}})
    os.kill(find_stubs(pods.canary.pid)[0].pid, 9)
    try:
        # Triton notices with the first request; later ones fail at once.
        direct = triton_grpc.InferenceServerClient(pods.canary.grpc_url)
        caller = GrpcCaller(pods.canary.grpc_url)
        with pytest.raises(InferenceServerException):
            caller.infer()
        assert direct.is_model_ready("detect"), "if this fails Triton has learnt to notice, and the test is not needed"
        direct.close()
        with Callers(envoy.http_url, envoy.grpc_url, count=8) as callers:
            wait_until_healthy(envoy, "canary-http", 0)
            wait_until_healthy(envoy, "canary-grpc", 0)
            left_out_s = time.monotonic()
            time.sleep(0.7)
        late = [o.error for o in callers.outcomes if o.error and o.started_s > left_out_s]
        print(
            f"\ndead stub: {len(callers.outcomes)} calls, {len(callers.errors)} errors, {len(late)} after the ejection"
        )
        assert late == []
        # Per protocol the errors in a row that eject, and what the callers had under way meanwhile.
        assert len(callers.errors) <= 2 * (errors_allowed + 4)
        assert envoy.stat("ejections_enforced_consecutive_5xx") == 2
    finally:
        pods.canary.restart()
