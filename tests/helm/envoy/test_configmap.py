"""What the chart tells Envoy. That it works is shown with real servers in tests/helm/traffic."""

import re

import pytest
import yaml

from tests.conftest import REPO_ROOT
from tests.helm.chart import render
from tests.helm.envoy.bootstrap import bootstrap, cluster, endpoint, filters, manager, routes

CANARY = {"canary": {"enabled": True, "release": 2, "weight": 10}}
REGIONS = {
    "regions": {
        "own": "eu",
        "failover": [
            {"name": "us", "host": "us.example.com", "httpPort": 8000, "grpcPort": 8001},
            {"name": "asia", "host": "asia.example.com", "httpPort": 80, "grpcPort": 81},
        ],
    }
}


def test_without_envoy_there_is_no_configuration() -> None:
    assert render({"envoy": {"enabled": False}}).of_template("templates/envoy/configmap.yaml") == []


def test_only_this_pod_reaches_the_administration() -> None:
    address = bootstrap()["admin"]["address"]["socket_address"]
    assert address == {"address": "127.0.0.1", "port_value": 9901}


def test_each_track_is_found_by_its_headless_service() -> None:
    chart = render(CANARY)
    for track in ("stable", "canary"):
        service = chart.one("Service", f"genod-triton-{track}")
        assert service["spec"]["clusterIP"] == "None"
        ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
        for protocol in ("http", "grpc"):
            pod = endpoint(f"{track}-{protocol}", CANARY)
            address = pod["address"]["socket_address"]
            assert address["address"] == f"{service['metadata']['name']}.vision.svc.cluster.local"
            assert address["port_value"] == ports[protocol]
            assert pod["health_check_config"]["port_value"] == ports["http"]


def test_the_names_of_clusters_do_not_depend_on_the_canary() -> None:
    # Routes change in running Envoys: an Envoy that did not know a cluster would answer 503.
    def names(values: dict) -> list[str]:
        return [entry["name"] for entry in bootstrap(values)["static_resources"]["clusters"]]

    assert names({}) == names(CANARY)
    assert names({}) == names({"canary": {"enabled": True, "release": 9, "weight": 0}})


def test_only_grpc_speaks_http2_to_triton() -> None:
    def protocol(name: str) -> set[str]:
        options = cluster(name)["typed_extension_protocol_options"]
        return set(next(iter(options.values()))["explicit_http_config"])

    assert protocol("stable-http") == {"http_protocol_options"}
    assert protocol("stable-grpc") == {"http2_protocol_options"}


def test_a_pod_that_leaves_dns_is_forgotten_at_once() -> None:
    stable = cluster("stable-grpc")
    assert stable["ignore_health_on_host_removal"] is True
    assert stable["cluster_type"]["typed_config"]["dns_refresh_rate"] == "2.000s"
    assert stable["cluster_type"]["typed_config"]["respect_dns_ttl"] is False


def test_the_pod_with_the_fewest_requests_gets_the_next_one() -> None:
    policy = cluster("stable-http")["load_balancing_policy"]["policies"][0]["typed_extension_config"]
    assert policy["name"] == "envoy.load_balancing_policies.least_request"


def test_health_is_that_of_the_first_ensemble() -> None:
    check = cluster("stable-http", {"release": {"ensembles": ["visual_search", "detect"]}})["health_checks"][0]
    assert check["http_health_check"]["path"] == "/v2/models/visual_search/ready"


def test_health_can_be_asked_of_the_sidecar() -> None:
    values = {"envoy": {"healthCheck": {"via": "probe"}}}
    stable = cluster("stable-grpc", values)
    assert stable["health_checks"][0]["http_health_check"]["path"] == "/ready"
    assert endpoint("stable-grpc", values)["health_check_config"] == {"port_value": 8003}


def test_the_limits_are_those_of_the_models_queues() -> None:
    sizes = {
        int(size)
        for config in (REPO_ROOT / "model_repository").glob("*/config.pbtxt")
        for size in re.findall(r"max_queue_size: (\d+)", config.read_text())
    }
    budget = cluster("stable-http", {"replicas": 3})["circuit_breakers"]["thresholds"][0]
    assert budget["retry_budget"]["min_retry_concurrency"] == min(sizes) == 64
    assert budget["max_requests"] == 3 * 64


@pytest.mark.parametrize(
    ("values", "pods"),
    [
        ({}, 1),
        ({"replicas": 4, **CANARY}, 5),
        ({"autoscaling": {"enabled": True, "maxReplicas": 7}}, 7),
        ({"replicas": 4, "envoy": {"limits": {"maxPods": 20}}}, 20),
    ],
)
def test_the_limits_grow_with_the_pods(values: dict, pods: int) -> None:
    assert cluster("to-stable-grpc", values)["circuit_breakers"]["thresholds"][0]["max_requests"] == 64 * pods


def test_a_canary_falls_back_to_stable_pods_and_all_to_other_regions() -> None:
    def members(name: str, values: dict) -> list[str]:
        return cluster(name, values)["cluster_type"]["typed_config"]["clusters"]

    assert members("to-stable-http", {}) == ["stable-http"]
    assert members("to-canary-http", {}) == ["canary-http", "stable-http"]
    assert members("to-stable-grpc", REGIONS) == ["stable-grpc", "region-us-grpc", "region-asia-grpc"]
    assert members("to-canary-http", REGIONS) == ["canary-http", "stable-http", "region-us-http", "region-asia-http"]


def test_other_regions_are_reached_by_tls_that_is_checked() -> None:
    region = cluster("region-asia-grpc", REGIONS)
    tls = region["transport_socket"]["typed_config"]
    assert tls["sni"] == "asia.example.com"
    assert tls["common_tls_context"]["alpn_protocols"] == ["h2"]
    names = tls["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"]
    assert names == [{"san_type": "DNS", "matcher": {"exact": "asia.example.com"}}]
    assert "transport_socket" not in cluster(
        "region-us-http", {"regions": {**REGIONS["regions"], "tls": {"enabled": False}}}
    )


def test_only_what_is_named_is_offered() -> None:
    offered = routes()
    last = list(offered.values())[-1]
    assert last["match"] == {"prefix": "/"}
    assert last["direct_response"]["status"] == 403
    assert not any("prefix" in route["match"] for route in list(offered.values())[:-1])


def test_only_pods_that_are_gone_and_unavailable_ones_are_tried_again() -> None:
    http, grpc = routes()["infer-http"]["route"], routes()["infer-grpc"]["route"]
    gone = {"connect-failure", "refused-stream", "reset"}
    assert set(http["retry_policy"]["retry_on"].split(",")) == {*gone, "retriable-status-codes"}
    assert http["retry_policy"]["retriable_status_codes"] == [503]
    assert set(grpc["retry_policy"]["retry_on"].split(",")) == {
        "unavailable",
        "connect-failure",
        "refused-stream",
        "reset",
    }
    assert (grpc["timeout"], grpc["retry_policy"]["per_try_timeout"]) == ("30s", "15s")


def test_streams_are_neither_retried_nor_cut_off() -> None:
    assert "stream-grpc" not in routes()
    stream = routes({"envoy": {"apis": {"streaming": True}}})["stream-grpc"]
    assert stream["route"]["timeout"] == "0s"
    assert "retry_policy" not in stream["route"]
    assert stream["typed_per_filter_config"]["envoy.filters.http.buffer"]["disabled"] is True


@pytest.mark.parametrize("weight", [1, 10, 100])
def test_weight_splits_inference_and_nothing_else(weight: int) -> None:
    found = routes({"canary": {"enabled": True, "release": 2, "weight": weight}})
    for protocol in ("http", "grpc"):
        clusters = found[f"infer-{protocol}"]["route"]["weighted_clusters"]["clusters"]
        assert {entry["name"]: entry["weight"] for entry in clusters} == {
            f"to-stable-{protocol}": 100 - weight,
            f"to-canary-{protocol}": weight,
        }
        assert found[f"read-{protocol}"]["route"]["cluster"] == f"to-stable-{protocol}"


def test_a_canary_of_weight_0_gets_only_who_asks_for_it() -> None:
    found = routes({"canary": {"enabled": True, "release": 2, "weight": 0}})
    assert found["infer-http"]["route"]["cluster"] == "to-stable-http"
    assert found["infer-http-canary"]["route"]["cluster"] == "canary-http"
    assert not any(name.endswith("-canary") for name in routes())


def test_what_another_region_sent_stays_here() -> None:
    found = routes(REGIONS)
    assert found["infer-grpc-hop"]["route"]["cluster"] == "stable-grpc"
    assert next(iter(found)).endswith("-hop"), "it must be looked at first"
    assert not any(name.endswith("-hop") for name in routes())


def test_filters_are_there_when_they_are_asked_for() -> None:
    assert "envoy.filters.http.jwt_authn" not in filters()
    assert "genod.rate_limit.all" not in filters()
    jwt = {"enabled": True, "issuer": "me", "remoteJwks": {"uri": "https://login.example.com:8443/keys"}}
    values = {"envoy": {"jwt": jwt, "rateLimit": {"enabled": True}}}
    assert filters(values)[:3] == ["envoy.filters.http.jwt_authn", "genod.rate_limit.all", "genod.rate_limit.route"]
    assert filters(values)[-1] == "envoy.filters.http.router"
    assert endpoint("jwks", values)["address"]["socket_address"] == {"address": "login.example.com", "port_value": 8443}
    assert cluster("jwks", values)["transport_socket"]["typed_config"]["sni"] == "login.example.com"


def test_large_numbers_stay_numbers() -> None:
    values = {"envoy": {"limits": {"requestMiB": 1024, "connections": 2000000}}}
    buffer = next(entry for entry in manager(values)["http_filters"] if entry["name"].endswith("buffer"))
    assert buffer["typed_config"]["max_request_bytes"] == 2**30
    monitors = bootstrap(values)["overload_manager"]["resource_monitors"]
    assert monitors[0]["typed_config"]["max_active_downstream_connections"] == 2000000


def test_access_log_is_json_of_errors_all_or_none() -> None:
    assert "filter" in manager()["access_log"][0]
    assert "filter" not in manager({"envoy": {"accessLog": "all"}})["access_log"][0]
    assert "access_log" not in manager({"envoy": {"accessLog": "none"}})


def test_certificates_are_named_in_files_of_their_own() -> None:
    data = render({"envoy": {"tls": {"enabled": True, "secretName": "x"}}}).one("ConfigMap", "genod-envoy")["data"]
    secret = yaml.safe_load(data["certificate.yaml"])["resources"][0]["tls_certificate"]
    assert secret["watched_directory"] == {"path": "/etc/envoy/tls"}
    assert "client-ca.yaml" not in data
    assert "certificate.yaml" not in render().one("ConfigMap", "genod-envoy")["data"]
