"""APIs that answer only to those who know the key."""

import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import tritonclient.grpc as triton_grpc
from tritonclient.utils import InferenceServerException

from serving import ServerOptions, ServingError, TritonServer
from serving.restricted_apis import APIS, restriction_arguments
from tests.serving.calls import column, free_ports, infer_grpc, infer_http
from tests.serving.probes.sidecar import sidecar
from tests.serving.toy_repository import write_double

KEY = "genod-key=s3cret=x"


def test_the_flags_have_tritons_form() -> None:
    assert restriction_arguments(("model-repository", "trace"), KEY) == [
        "--http-restricted-api=model-repository,trace:genod-key=s3cret=x",
        "--grpc-restricted-protocol=model-repository,trace:genod-key=s3cret=x",
    ]
    assert restriction_arguments((), KEY) == []


@pytest.mark.parametrize(
    ("apis", "key", "message"),
    [
        (("infer",), KEY, "knows health, metadata, inference, .*; got infer"),
        (("trace",), "", "needs a key: set GENOD_RESTRICTED_KEY"),
        (("trace",), "s3cret", "must be <name>=<value>"),
    ],
)
def test_a_wrong_restriction_is_refused_before_the_start(
    tmp_path: Path, apis: tuple[str, ...], key: str, message: str
) -> None:
    write_double(tmp_path / "models")
    with pytest.raises(ServingError, match=message) as refused:
        ServerOptions(tmp_path / "models", restricted_apis=apis, restricted_key=key)
    assert "s3cret" not in str(refused.value)


def test_the_key_is_not_in_the_options_own_text(tmp_path: Path) -> None:
    write_double(tmp_path / "models")
    assert "s3cret" not in repr(ServerOptions(tmp_path / "models", restricted_apis=("trace",), restricted_key=KEY))


@pytest.fixture(scope="module")
def restart_reasons() -> list[str]:
    return []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, restart_reasons: list[str]) -> Iterator[TritonServer]:
    """Everything is restricted, also what the launcher and its supervisor ask."""
    repository = tmp_path_factory.mktemp("models")
    write_double(repository)
    options = free_ports(repository, restricted_apis=APIS, restricted_key=KEY, supervise=True, probe_interval_s=0.3)
    with TritonServer(options, on_restart=restart_reasons.append) as running:
        yield running


def status_of(url: str, headers: dict[str, str], method: str = "GET") -> int:
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.triton
@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/v2/health/ready", "GET"),
        ("/v2/models/double", "GET"),
        ("/v2/models/double/config", "GET"),
        ("/v2/models/double/stats", "GET"),
        ("/v2/repository/index", "POST"),
    ],
)
def test_http_answers_403_without_the_key(server: TritonServer, path: str, method: str) -> None:
    url = f"http://{server.http_url}{path}"
    assert status_of(url, {}, method) == 403
    assert status_of(url, {"genod-key": "wrong"}, method) == 403
    assert status_of(url, {"genod-key": "s3cret=x"}, method) == 200


@pytest.mark.triton
def test_inference_without_the_key_is_refused_over_both_protocols(server: TritonServer) -> None:
    with pytest.raises(InferenceServerException, match="restricted"):
        infer_http(server.http_url, "double", {"x": column(1)}, ["y"])
    with pytest.raises(InferenceServerException, match="restricted"):
        infer_grpc(server.grpc_url, "double", {"x": column(1)}, ["y"])
    with triton_grpc.InferenceServerClient(server.grpc_url) as client:
        assert client.is_server_ready(headers={"triton-grpc-protocol-genod-key": "s3cret=x"})


@pytest.mark.triton
def test_the_supervisor_knows_the_key(server: TritonServer, restart_reasons: list[str]) -> None:
    time.sleep(1.5)  # some probes
    assert restart_reasons == []


@pytest.mark.triton
def test_the_sidecar_takes_the_key_from_its_environment(server: TritonServer) -> None:
    environment = {**os.environ, "GENOD_RESTRICTED_KEY": KEY}
    with sidecar(server.http_url, "double", interval_s=0.2, environment=environment) as watch:
        watch.seconds_until(True, within_s=20)
        assert watch.get("/ready?model=double")[0] == 200
    environment["GENOD_RESTRICTED_KEY"] = "genod-key=wrong"
    with sidecar(server.http_url, "double", interval_s=0.2, environment=environment) as watch:
        time.sleep(1.5)
        status, text = watch.get("/live")
        assert (status, text.split(": ")[1]) == (503, "forbidden"), text
        assert "wrong" not in text
