"""The committed models behind the chart's Envoy, with the chart's own times and limits, asked by the client."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from genod_client import GenODClient
from serving import ServerOptions, TritonServer
from tests.conftest import REPO_ROOT
from tests.helm.traffic.cluster_dns import ClusterDns
from tests.helm.traffic.conftest import STABLE_NAME
from tests.helm.traffic.envoy_process import EnvoyProcess, envoy_is_missing
from tests.painted_photos import painted_jpegs

pytestmark = [
    pytest.mark.triton,
    pytest.mark.skipif(envoy_is_missing() is not None, reason=str(envoy_is_missing())),
]


@pytest.fixture(scope="module")
def server() -> Iterator[TritonServer]:
    options = ServerOptions(REPO_ROOT / "model_repository", http_port=0, grpc_port=0, metrics_port=0)
    with TritonServer(options) as running:
        yield running


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_photos_give_the_same_objects_through_envoy(server: TritonServer, protocol: str, tmp_path: Path) -> None:
    photos = painted_jpegs()[:2]
    direct_url = {"http": server.http_url, "grpc": server.grpc_url}[protocol]
    with ClusterDns() as dns:
        dns.addresses = {STABLE_NAME: [server.connect_host]}
        with EnvoyProcess(tmp_path / "envoy", {}, dns_port=dns.port, servers=server.ports) as envoy:
            through_url = {"http": envoy.http_url, "grpc": envoy.grpc_url}[protocol]
            with (
                GenODClient(f"{protocol}://{direct_url}") as direct,
                GenODClient(f"{protocol}://{through_url}") as through,
            ):
                for photo in photos:
                    expected, got = direct.detect(photo), through.detect(photo)
                    assert len(expected) > 0, "an empty answer shows nothing"
                    assert [found.class_id for found in got] == [found.class_id for found in expected]
                    np.testing.assert_allclose(
                        [found.box for found in got], [found.box for found in expected], atol=1e-2
                    )
                assert through.taxonomy().class_ids == direct.taxonomy().class_ids
            assert envoy.stat("upstream_rq_retry") == 0
