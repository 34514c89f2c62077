"""tritonserver's flags. That the real binary takes them is tests/helm/triton/test_real_tritonserver.py."""

import pytest

from tests.helm.pods import arguments, container, environment, triton_pod


def flag(values, name):
    """The values of one flag; several where it is repeated."""
    return [argument.partition("=")[2] for argument in arguments(values) if argument.partition("=")[0] == name]


def test_no_flag_is_given_twice():
    names = [argument.partition("=")[0] for argument in arguments()]
    assert len(names) == len(set(names))


def test_a_pod_serves_one_release_for_its_whole_life():
    assert flag({}, "--model-control-mode") == ["none"]
    assert flag({}, "--model-repository") == ["/models/current"]


def test_configs_are_taken_as_they_were_released():
    assert "--disable-auto-complete-config" in arguments()


def test_explicit_control_loads_everything_at_the_start_and_keeps_its_calls_behind_the_key():
    values = {"triton": {"modelControlMode": "explicit", "explicitModelControlAcknowledged": True}}
    assert flag(values, "--model-control-mode") == ["explicit"]
    assert flag(values, "--load-model") == ["*"]
    assert "model-repository" in flag(values, "--http-restricted-api")[0].partition(":")[0].split(",")


def test_the_drain_gets_the_exit_timeout():
    assert flag({}, "--exit-timeout-secs") == ["45"]
    assert flag({"lifecycle": {"exitTimeoutSeconds": 90}}, "--exit-timeout-secs") == ["90"]


def test_the_key_of_restricted_calls_comes_from_a_secret_by_a_variable():
    expected = "model-repository,shared-memory,trace,logging:x-genod-admin-key=$(RESTRICTED_API_KEY)"
    assert flag({}, "--http-restricted-api") == [expected]
    assert flag({}, "--grpc-restricted-protocol") == [expected]
    variables = environment(container(triton_pod(), "triton"))
    assert variables["RESTRICTED_API_KEY"] == {"secretKeyRef": {"name": "genod-restricted-api", "key": "key"}}


def test_a_secret_of_ones_own_holds_the_key():
    values = {"restrictedApi": {"existingSecret": "mine", "secretKey": "admin", "header": "x-mine"}}
    assert flag(values, "--http-restricted-api")[0].endswith(":x-mine=$(RESTRICTED_API_KEY)")
    variables = environment(container(triton_pod(values), "triton"))
    assert variables["RESTRICTED_API_KEY"] == {"secretKeyRef": {"name": "mine", "key": "admin"}}


def test_without_restriction_there_is_no_key():
    values = {"restrictedApi": {"enabled": False}}
    assert flag(values, "--http-restricted-api") == flag(values, "--grpc-restricted-protocol") == []
    assert "RESTRICTED_API_KEY" not in environment(container(triton_pod(values), "triton"))


def test_grpc_connections_end_kindly_after_a_while():
    values = {"triton": {"grpc": {"maxConnectionAgeSeconds": 60, "maxConnectionAgeGraceSeconds": 5}}}
    assert flag(values, "--grpc-max-connection-age") == ["60000"]
    assert flag(values, "--grpc-max-connection-age-grace") == ["5000"]
    assert flag({"triton": {"grpc": {"maxConnectionAgeSeconds": 0}}}, "--grpc-max-connection-age") == []


@pytest.mark.parametrize(("mode", "expected"), [("gpu", "true"), ("mig", "false"), ("cpu", "false")])
def test_gpu_metrics_are_asked_for_where_triton_has_them(mode, expected):
    values = {"gpu": {"mode": mode, "mig": {"profile": "1g.10gb" if mode == "mig" else ""}}}
    assert flag(values, "--allow-gpu-metrics") == [expected]


def test_the_response_cache_has_the_size_that_was_asked_for():
    assert flag({}, "--cache-config") == []
    values = {"triton": {"responseCache": {"enabled": True, "sizeMiB": 100}}}
    assert flag(values, "--cache-config") == [f"local,size={100 * 2**20}"]


def test_clients_hand_over_shared_memory_only_when_allowed():
    assert flag({}, "--allow-client-shm") == []
    assert flag({"triton": {"clientSharedMemory": True}}, "--allow-client-shm") == ["true"]


def test_further_flags_come_last():
    assert arguments({"triton": {"extraArgs": ["--rate-limit=execution_count"]}})[-1] == "--rate-limit=execution_count"


def test_traces_are_configured_where_they_are_switched_on():
    assert flag({}, "--trace-config") == []
    assert "mode=opentelemetry" in flag({"tracing": {"enabled": True}}, "--trace-config")
