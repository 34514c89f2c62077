"""SIGKILL under load: what was in flight on the pod is tried again elsewhere, and no caller notices."""

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.helm.traffic.callers import Callers
from tests.helm.traffic.conftest import Pods, wait_until_healthy
from tests.helm.traffic.envoy_process import EnvoyProcess
from tests.serving.calls import wait_until

pytestmark = pytest.mark.triton

CALLERS = 16
# Per protocol: the third broken connection leaves a pod out (envoy.outlierDetection.consecutiveLocalErrors).
MEET_A_DEAD_POD = 2 * 3


def test_only_what_was_in_flight_on_a_killed_pod_is_retried_and_no_error_reaches_a_caller(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    envoy = start_envoy(times_of_the_chart=True)
    victim = pods.stable[0]
    with Callers(envoy.http_url, envoy.grpc_url, count=CALLERS) as callers:
        time.sleep(1)
        on_victim = sum(envoy.in_flight(cluster, victim.connect_host) for cluster in ("stable-http", "stable-grpc"))
        os.kill(victim.pid, 9)
        wait_until(lambda: victim.process.poll_exit_code() is not None, timeout_s=10, what="the pod is gone")
        gone, gone_s = datetime.now(UTC), time.monotonic()
        time.sleep(1.5)
    retried = [line for line in envoy.access_log() if line["attempts"] != 1]
    too_late = [line for line in retried if datetime.fromisoformat(line["time"]) > gone]
    stats = envoy.stats()
    retries = {name: stats[f"cluster.to-stable-{name}.upstream_rq_retry"] for name in ("http", "grpc")}
    print(
        f"\nSIGKILL: {len(callers.outcomes)} calls, {len(callers.errors)} errors, {on_victim} in flight on the pod,"
        f" {len(retried)} tried again {retries}, of them {len(too_late)} that came before Envoy knew"
    )

    assert callers.errors == []
    assert retried, "a pod with requests on it was killed"
    assert {line["attempts"] for line in retried} == {2}
    assert sum(retries.values()) == len(retried)
    # What came between the pod's end and Envoy's ejection, and between the count above and the kill.
    assert len(too_late) <= MEET_A_DEAD_POD
    assert len(retried) <= on_victim + MEET_A_DEAD_POD
    for name, count in retries.items():
        assert stats[f"cluster.to-stable-{name}.upstream_rq_retry_overflow"] == 0
        assert stats[f"cluster.to-stable-{name}.upstream_rq_retry_success"] == count
        assert "HEALTHY" not in envoy.hosts(f"stable-{name}")[victim.connect_host]
    assert all(outcome.server == 2 for outcome in callers.outcomes if outcome.started_s > gone_s)


def test_at_low_load_at_most_three_calls_of_a_protocol_meet_a_dead_pod(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    # So few that no three are in flight on it: then it is the third broken connection that leaves it out.
    envoy = start_envoy(times_of_the_chart=True)
    with Callers(envoy.http_url, envoy.grpc_url, count=2, pause_s=0.02) as callers:
        time.sleep(0.5)
        os.kill(pods.stable[0].pid, 9)
        time.sleep(1.5)
    assert callers.errors == []
    for protocol in ("http", "grpc"):
        assert envoy.stats()[f"cluster.to-stable-{protocol}.upstream_rq_retry"] <= 3


def test_a_pod_that_falls_silent_costs_time_and_no_answer(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    """A lost node closes no connection: what was in flight waits until its try has lasted too long."""
    envoy = start_envoy({"envoy": {"timeouts": {"requestSeconds": 10, "perTrySeconds": 1}}})
    silent = pods.stable[0]
    with Callers(envoy.http_url, envoy.grpc_url, count=8) as callers:
        time.sleep(0.7)
        os.kill(silent.pid, signal.SIGSTOP)
        try:
            wait_until_healthy(envoy, "stable-http", 1)
            wait_until_healthy(envoy, "stable-grpc", 1)
            time.sleep(1.5)
        finally:
            os.kill(silent.pid, signal.SIGCONT)
    slowest_s = max(outcome.ended_s - outcome.started_s for outcome in callers.outcomes)
    print(f"\nsilent pod: {len(callers.outcomes)} calls, {len(callers.errors)} errors, slowest {slowest_s:.1f} s")
    assert callers.errors == []
    assert envoy.stat("to-stable-http.upstream_rq_per_try_timeout") > 0


def test_a_pod_that_comes_back_gets_requests_again(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    os.kill(pods.stable[0].pid, 9)
    envoy = start_envoy()
    wait_until_healthy(envoy, "stable-http", 1)
    with Callers(envoy.http_url, envoy.grpc_url, count=4) as callers:
        pods.stable[0].restart()
        wait_until_healthy(envoy, "stable-http", 2)
        wait_until_healthy(envoy, "stable-grpc", 2)
        healthy_s = time.monotonic()
        time.sleep(0.5)
    assert callers.errors == []
    assert set(callers.servers_since(healthy_s)) == {1, 2}


def test_large_requests_can_be_sent_again_too(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    # Envoy's own buffer is 1 MiB: beyond it, it would give up retries without a word.
    envoy = start_envoy()
    with Callers(envoy.http_url, "", count=4, protocols=("http",), ballast="x" * 3_000_000) as callers:
        time.sleep(1)
        os.kill(pods.stable[1].pid, 9)
        time.sleep(1)
    stats = envoy.stats()
    assert callers.errors == []
    assert stats["cluster.to-stable-http.upstream_rq_retry"] > 0
    assert stats["cluster.to-stable-http.retry_or_shadow_abandoned"] == 0
