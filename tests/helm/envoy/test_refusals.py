"""Values of traffic that cannot work are refused, in the words of the values."""

import helm_python
import pytest

from tests.helm.chart import render

CANARY = {"enabled": True, "release": 2}
GATEWAY = {"enabled": True, "parentRefs": [{"name": "public"}]}
JWT = {"enabled": True, "issuer": "me", "jwks": "{}"}
US = {"name": "us", "host": "us.example.com", "httpPort": 1, "grpcPort": 2}

SCHEMA = [
    ({"canary": {"weight": 101}}, "/canary/weight"),
    ({"canary": {"weight": -1}}, "/canary/weight"),
    ({"canary": {"weightt": 5}}, "weightt"),
    ({"canary": {"promotionGate": {"maxErrorPercent": 200}}}, "/canary/promotionGate/maxErrorPercent"),
    ({"envoy": {"retrys": {}}}, "retrys"),
    ({"envoy": {"replicas": 0}}, "/envoy/replicas"),
    ({"envoy": {"image": {"tag": "latest"}}}, "/envoy/image/tag"),
    ({"envoy": {"accessLog": "some"}}, "/envoy/accessLog"),
    ({"envoy": {"healthCheck": {"via": "grpc"}}}, "/envoy/healthCheck/via"),
    ({"envoy": {"tls": {"minimumVersion": "1.1"}}}, "/envoy/tls/minimumVersion"),
    ({"envoy": {"retries": {"budgetPercent": 120}}}, "/envoy/retries/budgetPercent"),
    ({"envoy": {"listenAddress": "127.0.0.1"}}, "/envoy/listenAddress"),
    ({"regions": {"failover": [{"name": "us"}]}}, "/regions/failover/0"),
    ({"regions": {"own": "EU West"}}, "/regions/own"),
    ({"regions": {"overprovisioningPercent": 99}}, "/regions/overprovisioningPercent"),
    ({"gatewayApi": {"parentRefs": [{"namespace": "x"}]}}, "/gatewayApi/parentRefs/0"),
]

CONTRADICTIONS = [
    ({"canary": {"enabled": True}}, "canary.enabled needs canary.release"),
    ({"canary": {"enabled": True, "release": 1}}, "canary.release and release.number are both 1"),
    ({"canary": CANARY, "envoy": {"enabled": False}}, "nobody splits the traffic"),
    ({"envoy": {"tls": {"enabled": True}}}, "envoy.tls.enabled needs envoy.tls.secretName"),
    ({"envoy": {"tls": {"clientCaSecretName": "x"}}}, "needs envoy.tls.enabled"),
    ({"envoy": {"jwt": {"enabled": True, "jwks": "{}"}}}, "envoy.jwt.enabled needs envoy.jwt.issuer"),
    ({"envoy": {"jwt": {"enabled": True, "issuer": "me"}}}, "public keys"),
    ({"envoy": {"jwt": {**JWT, "remoteJwks": {"uri": "https://x"}}}}, "not both"),
    ({"envoy": {"timeouts": {"perTrySeconds": 31}}}, "must not exceed envoy.timeouts.requestSeconds"),
    (
        {"envoy": {"timeouts": {"requestSeconds": 90, "perTrySeconds": 60}}},
        "must not exceed lifecycle.exitTimeoutSeconds",
    ),
    ({"envoy": {"drainSeconds": 34}}, "must be at least 35"),
    ({"envoy": {"dns": {"refreshMs": 30000}}}, "Envoy learns only within 35 s"),
    ({"envoy": {"healthCheck": {"via": "probe"}}, "probes": {"liveness": {"enabled": False}}}, "the sidecar"),
    ({"envoy": {"healthCheck": {"timeoutMs": 4000}}}, "must be below twice"),
    ({"regions": {"failover": [US]}}, "regions.failover needs regions.own"),
    ({"regions": {"own": "us", "failover": [US]}}, 'regions.failover names "us" twice, or it is regions.own'),
    ({"regions": {"own": "eu", "failover": [US, US]}}, 'names "us" twice'),
    ({"regions": {"own": "eu", "failover": [US]}, "envoy": {"enabled": False}}, "regions.failover needs envoy.enabled"),
    ({"gatewayApi": {"enabled": True}}, "gatewayApi.enabled needs gatewayApi.parentRefs"),
    (
        {
            "gatewayApi": {"enabled": True, "parentRefs": [{"name": "g"}]},
            "envoy": {"tls": {"enabled": True, "secretName": "x"}},
        },
        "contradict each other",
    ),
]


@pytest.mark.parametrize(("values", "place"), SCHEMA)
def test_typos_and_impossible_numbers_are_refused_by_the_schema(values: dict, place: str) -> None:
    with pytest.raises(helm_python.HelmError) as caught:
        render(values)
    assert place in str(caught.value)


@pytest.mark.parametrize(("values", "words"), CONTRADICTIONS)
def test_contradictions_are_refused_in_words(values: dict, words: str) -> None:
    with pytest.raises(helm_python.HelmError) as caught:
        render(values)
    # Helm breaks long messages into lines.
    assert words in " ".join(str(caught.value).split())


def test_what_is_switched_off_is_not_judged() -> None:
    render({"envoy": {"enabled": False, "drainSeconds": 1, "timeouts": {"perTrySeconds": 300}}})
    render({"canary": {"weight": 100}})
