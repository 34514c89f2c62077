"""The fake server to the client that everybody uses."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from genod_client import (
    GenODClient,
    RetryPolicy,
    ServerError,
    ServerOverloadedError,
    UnexpectedResponseError,
)
from loadtest.errors import UsageError
from loadtest.fake_server import FakeServer, FakeServerOptions
from loadtest.fake_server.behaviour import Behaviour

ONCE = RetryPolicy(max_attempts=1)
PHOTO = b"not looked at"


@pytest.fixture(scope="module")
def server():
    with FakeServer(FakeServerOptions(grpc_port=0)) as running:
        yield running


@pytest.fixture(params=["http", "grpc"])
def protocol(request):
    return request.param


def test_it_answers_as_detect_does(server, protocol):
    with GenODClient(getattr(server, f"{protocol}_url")) as client:
        assert client.is_ready()
        (found,) = client.detect(PHOTO).objects(min_score=0.5)
        assert found.label_chain == ("cat", "thing")


def test_it_tells_about_itself(server):
    def get(path):
        with urllib.request.urlopen(server.http_url + path, timeout=5) as response:
            content = response.read()
            return json.loads(content) if content else None

    assert get("/v2")["name"] == "fake_server"
    assert get("/v2/health/ready") is None
    assert get("/v2/models/detect/config")["parameters"]["taxonomy"]["string_value"]
    before = get("/v2/models/detect/stats")["model_stats"][0]["inference_count"]
    with GenODClient(server.http_url) as client:
        client.detect(PHOTO)
    assert get("/v2/models/detect/stats")["model_stats"][0]["inference_count"] == before + 1
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get("/v2/models/other/config")


@pytest.mark.parametrize(
    ("options", "error"), [({"error_rate": 0.5}, ServerError), ({"bad_answers_after": 1}, UnexpectedResponseError)]
)
def test_it_fails_and_breaks_the_contract_as_it_is_told(protocol, options, error):
    with (
        FakeServer(FakeServerOptions(grpc_port=0, **options)) as server,
        GenODClient(getattr(server, f"{protocol}_url"), retry_policy=ONCE) as client,
    ):
        client.detect(PHOTO)
        with pytest.raises(error):
            client.detect(PHOTO)


def test_a_full_queue_is_an_overloaded_server_to_the_client(protocol):
    with FakeServer(FakeServerOptions(grpc_port=0, service_ms=500, max_queue_size=1)) as server:
        url = getattr(server, f"{protocol}_url")
        with GenODClient(url, retry_policy=ONCE) as client, ThreadPoolExecutor(6) as callers:
            calls = [callers.submit(client.detect, PHOTO) for _ in range(6)]
            kinds = {type(call.exception()) for call in calls}
    assert kinds == {type(None), ServerOverloadedError}


def outcomes(count, arrivals_s=None, **options):
    behaviour = Behaviour(FakeServerOptions(**options))
    return [behaviour.admit(0.0 if arrivals_s is None else arrivals_s[number]).outcome for number in range(count)]


def test_errors_are_spread_evenly():
    assert outcomes(8, error_rate=0.25) == ["answer", "answer", "answer", "error"] * 2


def test_a_full_queue_rejects_as_triton_does():
    assert outcomes(5, max_queue_size=2) == ["answer"] * 3 + ["rejected"] * 2


def test_it_hangs_after_as_many_requests_as_it_is_told():
    assert outcomes(4, hangs_after=2) == ["answer", "answer", "never", "never"]


@pytest.mark.parametrize("options", [{"error_rate": 2.0}, {"service_ms": -1.0}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(UsageError):
        FakeServerOptions(**options)


def test_a_wrong_option_exits_with_64():
    done = subprocess.run(
        [sys.executable, "-m", "loadtest.fake_server", "--error-rate", "2"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 64
    assert "between 0 and 1" in done.stderr
