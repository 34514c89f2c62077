"""A pod leaves in the order of the chart: out of the endpoints, preStop, SIGTERM, drain. No caller notices."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from serving import TritonServer
from tests.helm.pods import container, triton_pod
from tests.helm.traffic.callers import Callers
from tests.helm.traffic.conftest import STABLE_NAME, Pods, wait_until_healthy
from tests.helm.traffic.envoy_process import EnvoyProcess
from tests.serving.calls import wait_until

pytestmark = pytest.mark.triton


def end(server: TritonServer) -> float:
    """SIGTERM, and the seconds until tritonserver has ended by itself."""
    started_s = time.monotonic()
    os.kill(server.pid, signal.SIGTERM)
    wait_until(lambda: server.process.poll_exit_code() is not None, timeout_s=60, what="tritonserver ends")
    return time.monotonic() - started_s


def test_a_pod_that_leaves_dns_before_sigterm_costs_no_answer_and_no_retry(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    envoy = start_envoy(times_of_the_chart=True)
    pre_stop_s = container(triton_pod(), "triton")["lifecycle"]["preStop"]["sleep"]["seconds"]
    leaving, staying = pods.stable
    with Callers(envoy.http_url, envoy.grpc_url, count=16) as callers:
        time.sleep(1)
        # What Kubernetes does at the beginning of preStop; the pod itself is still healthy and serves.
        pods.dns.addresses[STABLE_NAME] = [staying.connect_host]
        wait_until_healthy(envoy, "stable-http", 1, timeout_s=pre_stop_s)
        wait_until_healthy(envoy, "stable-grpc", 1, timeout_s=pre_stop_s)
        assert leaving.connect_host not in envoy.hosts("stable-http"), "still in use although it left DNS"
        left_s = time.monotonic()
        time.sleep(0.5)
        drain_s = end(leaving)
        time.sleep(0.5)
    exit_code = leaving.process.poll_exit_code()
    print(
        f"\nSIGTERM: {len(callers.outcomes)} calls, {len(callers.errors)} errors, drained in {drain_s:.1f} s,"
        f" exit {exit_code}"
    )
    assert callers.errors == []
    assert envoy.stat("stable-http.upstream_rq_retry") == envoy.stat("stable-grpc.upstream_rq_retry") == 0
    assert set(callers.servers_since(left_s)) == {2}
    assert exit_code == 0, "the drain ran into --exit-timeout-secs"


def test_even_a_pod_that_gets_sigterm_at_once_costs_no_answer(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    # A node that goes down gives nobody time; DNS learns of it later.
    envoy = start_envoy(times_of_the_chart=True)
    with Callers(envoy.http_url, envoy.grpc_url, count=16) as callers:
        time.sleep(1)
        drain_s = end(pods.stable[1])
        time.sleep(0.5)
    print(f"\nSIGTERM at once: {len(callers.outcomes)} calls, {len(callers.errors)} errors, {drain_s:.1f} s")
    assert callers.errors == []
