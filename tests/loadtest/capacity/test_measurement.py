"""A profile of the real graph. What is asserted holds on a busy machine too: structure, and that parts fit together."""

import pytest

from loadtest.capacity.errors import MeasurementError
from loadtest.capacity.measurement import Measurement
from loadtest.capacity.peak import predict_peak
from loadtest.results import Target
from serving import ServerOptions, TritonServer
from tests.conftest import REPO_ROOT
from tests.painted_photos import painted_jpegs

pytestmark = [pytest.mark.triton, pytest.mark.slow]


@pytest.fixture(scope="module")
def server():
    options = ServerOptions(REPO_ROOT / "model_repository", http_port=0, grpc_port=0, metrics_port=0)
    with TritonServer(options) as running:
        yield running


@pytest.fixture(scope="module", params=["grpc", "http"])
def profile(server, request):
    url = f"grpc://{server.grpc_url}" if request.param == "grpc" else f"http://{server.http_url}"
    return Measurement(url, painted_jpegs(), calls_per_block=8, loaded_s=1.0)()


def test_the_stages_are_those_of_the_ensemble_in_their_order(profile):
    first, *stages = profile.stages
    after = {stage.name: set(stage.after) for stage in stages}
    assert after == {
        "preprocess": {first.name},
        "backbone": {"preprocess"},
        "head_generic": {"backbone"},
        "head_electronics": {"backbone"},
        "label_propagation": {"preprocess", "head_generic", "head_electronics"},
    }


def test_settings_come_from_the_served_configs(profile):
    assert profile.stage("preprocess").instances == 2
    assert profile.stage("preprocess").max_batch == 16
    assert (profile.stage("backbone").instances, profile.stage("backbone").max_batch) == (2, 1)
    assert profile.stage("backbone").max_queue_size == 64
    assert profile.stage("head_electronics").queue_timeout_ms == 0
    assert profile.shape_shares == (0.5, 0.5)


def test_every_stage_took_time_and_cores_and_a_larger_batch_takes_longer(profile):
    for stage in profile.stages[1:]:
        assert stage.elapsed_ms(1) > 0
        assert stage.elapsed_ms(8) > stage.elapsed_ms(1)
    assert profile.stage("backbone").work_ms(8) > profile.stage("backbone").work_ms(1) > 0
    assert [point.callers for point in profile.calibration] == [2, 4, 8]


def test_the_profile_gives_a_peak(profile):
    assert predict_peak(profile, [Target(percentile=50, limit_ms=60_000)], seed=1, requests=500).rate_per_s > 0.1


def test_a_model_that_is_no_ensemble_is_refused(server):
    with pytest.raises(MeasurementError, match="backbone is no ensemble"):
        Measurement(f"grpc://{server.grpc_url}", painted_jpegs(), model="backbone")()


def test_a_server_elsewhere_needs_its_number_of_cores(server, monkeypatch):
    measurement = Measurement(f"grpc://{server.grpc_url}", painted_jpegs())
    monkeypatch.setattr(measurement, "_cores", None)
    with pytest.raises(MeasurementError, match="--cores"):
        measurement()


def test_no_photos_are_refused():
    with pytest.raises(MeasurementError, match="no photos"):
        Measurement("grpc://127.0.0.1:1", [])
