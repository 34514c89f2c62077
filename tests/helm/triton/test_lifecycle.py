"""How a pod ends. Refused settings are in tests/helm/test_refusals.py."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helm.pods import arguments, container, triton_pod


def test_the_drain_has_time_for_all_of_its_parts():
    spec = triton_pod()
    assert container(spec, "triton")["lifecycle"]["preStop"] == {"sleep": {"seconds": 20}}
    assert "--exit-timeout-secs=45" in arguments()
    assert spec["terminationGracePeriodSeconds"] == 20 + 45 + 30


@settings(max_examples=20)
@given(pre_stop=st.integers(7, 3600), exit_timeout=st.integers(15, 86400), margin=st.integers(10, 3600))
def test_whatever_is_chosen_the_grace_period_covers_it(pre_stop, exit_timeout, margin):
    lifecycle = {"preStopSeconds": pre_stop, "exitTimeoutSeconds": exit_timeout, "marginSeconds": margin}
    spec = triton_pod({"lifecycle": lifecycle})
    assert spec["terminationGracePeriodSeconds"] == pre_stop + exit_timeout + margin
    assert container(spec, "triton")["lifecycle"]["preStop"]["sleep"]["seconds"] == pre_stop


def test_a_longer_grace_period_is_taken():
    assert triton_pod({"lifecycle": {"terminationGracePeriodSeconds": 300}})["terminationGracePeriodSeconds"] == 300


def test_an_old_kubelet_runs_the_images_own_sleep():
    pre_stop = container(triton_pod({"lifecycle": {"preStopHandler": "exec"}}), "triton")["lifecycle"]["preStop"]
    assert pre_stop == {"exec": {"command": ["/bin/sleep", "20"]}}


def test_the_probe_sidecar_ends_after_triton():
    # A container with restartPolicy Always among the init containers starts before and ends after the others.
    assert container(triton_pod(), "probe")["restartPolicy"] == "Always"
