"""Routes for HTTP by the Gateway API."""

from tests.helm.chart import Manifest, render

GATEWAY = {"enabled": True, "parentRefs": [{"name": "public", "namespace": "edge"}]}
CANARY = {"enabled": True, "release": 2, "weight": 10}


def route(values: Manifest) -> Manifest:
    return render(values).one("HTTPRoute", "genod")["spec"]


def test_switched_off_there_is_no_route() -> None:
    assert render().of_template("templates/gateway-api/httproute.yaml") == []


def test_with_envoy_everything_goes_there_and_envoy_splits() -> None:
    rules = route({"gatewayApi": GATEWAY, "canary": CANARY})["rules"]
    assert [rule["backendRefs"] for rule in rules] == [[{"name": "genod-envoy", "port": 8000}]]


def test_without_envoy_the_tracks_are_split_by_weight() -> None:
    values = {"gatewayApi": GATEWAY, "canary": CANARY, "envoy": {"enabled": False}}
    forced, weighted = route(values)["rules"]
    assert weighted["backendRefs"] == [
        {"name": "genod-triton-stable", "port": 8000, "weight": 90},
        {"name": "genod-triton-canary", "port": 8000, "weight": 10},
    ]
    assert forced["matches"][0]["headers"] == [{"name": "x-genod-track", "value": "canary"}]
    assert forced["backendRefs"] == [{"name": "genod-triton-canary", "port": 8000}]


def test_without_a_canary_there_is_one_backend() -> None:
    rules = route({"gatewayApi": GATEWAY, "envoy": {"enabled": False}})["rules"]
    assert [rule["backendRefs"] for rule in rules] == [[{"name": "genod-triton-stable", "port": 8000}]]


def test_nothing_leads_to_the_model_repository() -> None:
    paths = [match["path"] for rule in route({"gatewayApi": GATEWAY})["rules"] for match in rule["matches"]]
    assert paths == [
        {"type": "PathPrefix", "value": "/v2/models"},
        {"type": "PathPrefix", "value": "/v2/health"},
        {"type": "Exact", "value": "/v2"},
    ]


def test_it_hangs_on_the_named_listener_of_the_gateway() -> None:
    spec = route({"gatewayApi": {**GATEWAY, "httpSection": "https", "hostnames": ["genod.example.com"]}})
    assert spec["parentRefs"] == [{"name": "public", "namespace": "edge", "sectionName": "https"}]
    assert spec["hostnames"] == ["genod.example.com"]
