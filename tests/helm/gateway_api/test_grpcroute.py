"""Routes for gRPC by the Gateway API."""

from tests.helm.chart import Manifest, render

GATEWAY = {"enabled": True, "parentRefs": [{"name": "public"}]}
CANARY = {"enabled": True, "release": 2, "weight": 0}
EVERYTHING = {"apis": {"streaming": True, "modelConfig": True, "statistics": True}}


def rules(values: Manifest) -> list[Manifest]:
    return render(values).one("GRPCRoute", "genod")["spec"]["rules"]


def methods(values: Manifest) -> set[str]:
    return {match["method"]["method"] for rule in rules(values) for match in rule["matches"]}


def test_switched_off_there_is_no_route() -> None:
    assert render().of_template("templates/gateway-api/grpcroute.yaml") == []


def test_only_named_methods_have_a_route() -> None:
    found = methods({"gatewayApi": GATEWAY})
    assert {"ModelInfer", "ModelReady", "ModelConfig", "Check"} <= found
    assert not {"RepositoryIndex", "RepositoryModelUnload", "SystemSharedMemoryRegister", "TraceSetting"} & found
    assert "ModelStreamInfer" not in found
    assert "ModelStreamInfer" in methods({"gatewayApi": GATEWAY, "envoy": EVERYTHING})


def test_no_rule_has_more_matches_than_the_api_allows() -> None:
    assert all(len(rule["matches"]) <= 8 for rule in rules({"gatewayApi": GATEWAY, "envoy": EVERYTHING}))


def test_a_rollback_is_one_weight() -> None:
    values = {"gatewayApi": GATEWAY, "canary": CANARY, "envoy": {"enabled": False}}
    assert rules(values)[-1]["backendRefs"] == [
        {"name": "genod-triton-stable", "port": 8001, "weight": 100},
        {"name": "genod-triton-canary", "port": 8001, "weight": 0},
    ]


def test_with_envoy_everything_goes_there() -> None:
    backends = [rule["backendRefs"] for rule in rules({"gatewayApi": GATEWAY})]
    assert all(backend == [{"name": "genod-envoy", "port": 8001}] for backend in backends)
