"""The probes as rendered; that the real server answers them is test_real_tritonserver.py."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helm.pods import container, environment, triton_pod


@settings(max_examples=20)
@given(budget=st.integers(1, 86400), period=st.integers(1, 300))
def test_the_startup_budget_is_never_cut_short(budget, period):
    probes = {"startupBudgetSeconds": budget, "startupPeriodSeconds": period}
    startup = container(triton_pod({"probes": probes}), "triton")["startupProbe"]
    assert startup["failureThreshold"] == math.ceil(budget / period)
    assert startup["periodSeconds"] == period


def test_readiness_asks_for_the_ensemble_and_not_for_the_server():
    triton = container(triton_pod({"release": {"ensembles": ["embed", "detect"]}}), "triton")
    for probe in ("startupProbe", "readinessProbe"):
        # /v2/health/ready turns red while a new version loads; the model's own does not.
        assert triton[probe]["httpGet"] == {"path": "/v2/models/embed/ready", "port": "http"}


def test_liveness_asks_the_sidecar_which_infers():
    spec = triton_pod()
    assert container(spec, "triton")["livenessProbe"]["httpGet"] == {"path": "/live", "port": 8003}
    probe = container(spec, "probe")
    assert probe["command"] == ["python", "-m", "serving.probes", "watch"]
    assert "--listen=0.0.0.0:8003" in probe["args"]
    assert {"name": "probe", "containerPort": 8003} in probe["ports"]


def test_a_pod_that_does_not_infer_gets_no_traffic_either():
    assert container(triton_pod(), "probe")["readinessProbe"]["httpGet"] == {"path": "/live", "port": "probe"}


def test_the_sidecar_watches_every_ensemble_of_the_release():
    arguments = container(triton_pod({"release": {"ensembles": ["detect", "embed"]}}), "probe")["args"]
    assert [argument for argument in arguments if argument.startswith("--model=")] == [
        "--model=detect",
        "--model=embed",
    ]


def test_there_is_no_liveness_before_the_start_is_over():
    triton = container(triton_pod(), "triton")
    assert "startupProbe" in triton
    assert "initialDelaySeconds" not in triton["livenessProbe"]


def test_switched_off_there_is_neither_sidecar_nor_liveness():
    spec = triton_pod({"probes": {"liveness": {"enabled": False}}})
    assert [found["name"] for found in spec["initContainers"]] == ["fetch-release"]
    assert "livenessProbe" not in container(spec, "triton")


def test_the_sidecar_gets_the_key_only_where_it_needs_it():
    assert "GENOD_RESTRICTED_KEY" not in environment(container(triton_pod(), "probe"))
    values = {"restrictedApi": {"categories": ["statistics"]}}
    variables = environment(container(triton_pod(values), "probe"))
    assert variables["GENOD_RESTRICTED_KEY"] == "x-genod-admin-key=$(RESTRICTED_API_KEY)"


def test_the_sidecar_starts_when_the_release_is_there():
    names = [found["name"] for found in triton_pod()["initContainers"]]
    assert names.index("fetch-release") < names.index("probe")
