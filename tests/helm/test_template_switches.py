"""Every template of the chart: with which values it makes something, and with which it makes nothing.

A new template without a line here fails.
"""

import pytest

from tests.helm.chart import CHART_FOLDER, Manifest, render
from tests.helm.engines.test_job import ENGINES

CANARY = {"canary": {"enabled": True, "release": 2}}
GATE = {"canary": {"enabled": True, "release": 2, "promotionGate": {"enabled": True}}}
GATEWAY = {"gatewayApi": {"enabled": True, "parentRefs": [{"name": "public"}]}}
KEDA = {"autoscaling": {"enabled": True, "type": "keda"}}
HPA = {"autoscaling": {"enabled": True, "type": "hpa"}}
MONITORING = {"monitoring": {"enabled": True}}
NO_ENVOY = {"envoy": {"enabled": False}}
NO_POLICIES = {"networkPolicy": {"enabled": False}}
NO_TESTS = {"tests": {"enabled": False}}

# template -> (values that switch it on, values that switch it off; None: it is always there)
SWITCHES: dict[str, tuple[Manifest, list[Manifest] | None]] = {
    "autoscaling/hpa.yaml": (HPA, [{}, KEDA]),
    "autoscaling/prometheus-adapter-rules.yaml": (HPA, [{}, KEDA]),
    "autoscaling/scaledobject.yaml": (KEDA, [{}, HPA]),
    "canary/deployment.yaml": (CANARY, [{}]),
    "canary/promotion-gate-script.yaml": (GATE, [{}, CANARY]),
    "canary/promotion-gate.yaml": (GATE, [{}, CANARY]),
    "canary/service.yaml": (CANARY, [{}]),
    "engines/job.yaml": (ENGINES, [{}, {"engines": {"enabled": True, "builder": "init"}}]),
    "engines/serviceaccount.yaml": (ENGINES, [{}, {**ENGINES, "podSecurity": {"serviceAccount": {"create": False}}}]),
    "envoy/configmap.yaml": ({}, [NO_ENVOY]),
    "envoy/deployment.yaml": ({}, [NO_ENVOY]),
    "envoy/poddisruptionbudget.yaml": ({}, [NO_ENVOY, {"envoy": {"podDisruptionBudget": {"enabled": False}}}]),
    "envoy/service.yaml": ({}, [NO_ENVOY]),
    "extra-objects.yaml": (
        {"extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}]},
        [{}],
    ),
    "gateway-api/grpcroute.yaml": (GATEWAY, [{}]),
    "gateway-api/httproute.yaml": (GATEWAY, [{}]),
    "ingress.yaml": ({"service": {"ingress": {"enabled": True, "host": "a.b"}}}, [{}]),
    "monitoring/dashboard.yaml": (MONITORING, [{}, {"monitoring": {"enabled": True, "dashboard": {"enabled": False}}}]),
    "monitoring/monitor-envoy.yaml": (MONITORING, [{}, {**MONITORING, **NO_ENVOY}]),
    "monitoring/monitor-triton.yaml": (MONITORING, [{}]),
    "monitoring/prometheusrule.yaml": (
        MONITORING,
        [{}, {"monitoring": {"enabled": True, "rules": {"enabled": False}}}],
    ),
    "networkpolicy/engine-builder.yaml": (ENGINES, [{}, {**ENGINES, **NO_POLICIES}]),
    "networkpolicy/envoy.yaml": ({}, [NO_POLICIES, NO_ENVOY]),
    "networkpolicy/promotion-gate.yaml": (GATE, [{}, CANARY, {**GATE, **NO_POLICIES}]),
    "networkpolicy/tests.yaml": ({}, [NO_POLICIES, NO_TESTS]),
    "networkpolicy/triton.yaml": ({}, [NO_POLICIES]),
    "service.yaml": ({}, None),
    "serviceaccount.yaml": ({}, [{"podSecurity": {"serviceAccount": {"create": False}}}]),
    "tests/infer-grpc.yaml": ({}, [NO_TESTS]),
    "tests/infer-http.yaml": ({}, [NO_TESTS]),
    "tests/photo.yaml": ({}, [NO_TESTS]),
    "triton/deployment-stable.yaml": ({}, None),
    "triton/pdb.yaml": ({}, [{"podDisruptionBudget": {"enabled": False}}]),
    "triton/priorityclass.yaml": ({"scheduling": {"priorityClass": {"create": True}}}, [{}]),
    "triton/secret-restricted-api.yaml": (
        {},
        [{"restrictedApi": {"enabled": False}}, {"restrictedApi": {"existingSecret": "mine"}}],
    ),
    "triton/service-stable.yaml": ({}, None),
}
# Tests that cover several templates alike.
SHARED_TESTS = {"monitoring/monitor-triton.yaml": "monitoring/test_monitors.py"}
# They make no object ever: they refuse values.
REFUSING = {"autoscaling/refusals.yaml", "envoy/refusals.yaml"}


def test_every_template_is_here():
    folder = CHART_FOLDER / "templates"
    templates = {str(file.relative_to(folder)) for file in folder.rglob("*.yaml")}
    assert templates == SWITCHES.keys() | REFUSING


@pytest.mark.parametrize("template", sorted(SWITCHES))
def test_switched_on_a_template_makes_something(template):
    assert render(SWITCHES[template][0]).of_template(f"templates/{template}")


@pytest.mark.parametrize(
    ("template", "switched_off"), [(template, off) for template, (_, off) in SWITCHES.items() if off is not None]
)
def test_switched_off_a_template_makes_nothing(template, switched_off):
    for values in switched_off:
        assert render(values).of_template(f"templates/{template}") == [], values


@pytest.mark.parametrize("template", sorted(SWITCHES))
def test_a_template_has_tests_of_its_own(template):
    """A test file at the same place, or one that names the template."""
    here = CHART_FOLDER.parent.parent / "tests" / "helm"
    folder, _, name = template.removesuffix(".yaml").rpartition("/")
    if template in SHARED_TESTS:
        assert (here / SHARED_TESTS[template]).is_file()
        return
    mirrored = here / folder.replace("-", "_") / f"test_{name.replace('-', '_')}.py"
    naming = [
        file
        for file in here.rglob("test_*.py")
        if file.name != "test_template_switches.py" and f"templates/{template}" in file.read_text(encoding="utf-8")
    ]
    assert mirrored.is_file() or naming, f"neither {mirrored.relative_to(here)} nor a test that names it"


def test_with_everything_off_there_are_only_pods_and_their_services():
    values = {
        **NO_ENVOY, **NO_POLICIES, **NO_TESTS,
        "podSecurity": {"serviceAccount": {"create": False}},
        "podDisruptionBudget": {"enabled": False},
        "restrictedApi": {"enabled": False},
    }  # fmt: skip
    kinds = sorted((manifest["kind"], manifest["metadata"]["name"]) for manifest in render(values).objects)
    assert kinds == [("Deployment", "genod-triton-stable"), ("Service", "genod"), ("Service", "genod-triton-stable")]
