"""Every committed values file renders, lints, and is what Kubernetes accepts."""

import re

import helm_python
import pytest
import yaml

from tests.helm import custom_resources, kubernetes_schemas
from tests.helm.chart import CHART_FOLDER, Manifest, load_values, render
from tests.helm.rendered_files import file_names, rendered, values_path

WARNING = 2
# Those of the Pod Security Standard `restricted` that the chart uses.
SAFE_VOLUMES = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}


def pod_specs(file_name: str) -> list[tuple[str, Manifest]]:
    """Every pod that a values file makes, with the name of what makes it."""
    found = []
    for manifest in rendered(file_name).objects:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        if manifest["kind"] == "Pod":
            found.append((name, manifest["spec"]))
        elif manifest["kind"] in ("Deployment", "Job", "DaemonSet", "StatefulSet"):
            found.append((name, manifest["spec"]["template"]["spec"]))
    return found


def containers(spec: Manifest) -> list[Manifest]:
    return [*spec.get("initContainers", []), *spec["containers"]]


@pytest.mark.parametrize("file_name", file_names())
@pytest.mark.parametrize("version", [kubernetes_schemas.versions()[0], kubernetes_schemas.versions()[-1]])
def test_helm_lint_finds_nothing_even_when_strict(file_name, version):
    values = load_values(values_path(file_name))
    report = helm_python.lint(CHART_FOLDER, values, strict=True, kube_version=f"v{version}")
    assert report["total_charts_linted"] == 1
    assert report["errors"] == []
    assert [message for message in report["messages"] if message["severity"] >= WARNING] == []


class UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that stands twice in one map, of which YAML would silently keep the last."""


def construct_unique(loader, node, deep=False):
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    assert len(keys) == len(set(map(str, keys))), f"a key stands twice: {node.start_mark}"
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, construct_unique)


@pytest.mark.parametrize("file_name", file_names())
def test_no_key_stands_twice(file_name):
    for text in [*rendered(file_name).texts, values_path(file_name).read_text()]:
        list(yaml.load_all(text, Loader=UniqueKeyLoader))


def test_a_key_that_stands_twice_would_be_found():
    with pytest.raises(AssertionError, match="stands twice"):
        yaml.load("a: {b: 1, b: 2}", Loader=UniqueKeyLoader)


@pytest.mark.parametrize("file_name", file_names())
def test_rendered_text_has_no_tabs_and_no_spaces_at_the_ends_of_lines(file_name):
    # Whole files inside a ConfigMap are as their own languages want them.
    texts = [text for text in rendered(file_name).texts if "kind: ConfigMap" not in text]
    assert [line for text in texts for line in text.splitlines() if "\t" in line or line != line.rstrip()] == []


@pytest.mark.parametrize("version", kubernetes_schemas.versions())
def test_kubernetes_accepts_every_object_of_every_file(version):
    refused = [
        f"{file_name}: {problem}"
        for file_name in file_names()
        for manifest in rendered(file_name).objects
        if kubernetes_schemas.is_built_in(manifest)
        for problem in kubernetes_schemas.problems(manifest, version)
    ]
    assert refused == []


def test_versions_reach_from_1_29_to_the_newest():
    versions = kubernetes_schemas.versions()
    assert versions[0].startswith("1.29.")
    assert len(versions) >= 9


def test_a_misspelt_field_would_be_found():
    deployment = rendered("values.yaml").one("Deployment", "genod-triton-stable")
    wrong = yaml.safe_load(yaml.safe_dump(deployment))
    wrong["spec"]["template"]["spec"]["containers"][0]["lifecycle"]["prestop"] = {}
    for version in kubernetes_schemas.versions():
        assert any("prestop" in problem for problem in kubernetes_schemas.problems(wrong, version))


@pytest.mark.parametrize("file_name", file_names())
def test_objects_of_custom_resources_have_the_structure_of_their_definition(file_name):
    refused = [
        problem
        for manifest in rendered(file_name).objects
        if not kubernetes_schemas.is_built_in(manifest)
        for problem in custom_resources.problems(manifest)
    ]
    assert refused == []


@pytest.mark.parametrize("file_name", file_names())
def test_no_two_objects_have_one_name(file_name):
    names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in rendered(file_name).objects]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("file_name", file_names())
def test_names_and_label_values_are_ones_that_kubernetes_takes(file_name):
    for manifest in rendered(file_name).objects:
        metadata = manifest["metadata"]
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?", metadata["name"])
        labels = {
            **metadata["labels"],
            **manifest.get("spec", {}).get("template", {}).get("metadata", {}).get("labels", {}),
        }
        for value in labels.values():
            assert re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", value)


@pytest.mark.parametrize("file_name", file_names())
def test_every_pod_is_unprivileged(file_name):
    pods = pod_specs(file_name)
    assert pods
    for name, spec in pods:
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"}, name
        assert {kind for volume in spec.get("volumes", []) for kind in volume if kind != "name"} <= SAFE_VOLUMES, name
        for container in containers(spec):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, (name, container["name"])
            assert context["readOnlyRootFilesystem"] is True, (name, container["name"])
            assert context["capabilities"] == {"drop": ["ALL"]}, (name, container["name"])


@pytest.mark.parametrize("file_name", file_names())
def test_every_container_has_requests_and_a_memory_limit(file_name):
    for name, spec in pod_specs(file_name):
        for container in containers(spec):
            resources = container["resources"]
            assert resources["requests"].keys() >= {"cpu", "memory"}, (name, container["name"])
            assert resources["limits"]["memory"] == resources["requests"]["memory"], (name, container["name"])


@pytest.mark.parametrize("file_name", file_names())
def test_no_image_is_latest_or_names_a_registry(file_name):
    for _, spec in pod_specs(file_name):
        for container in containers(spec):
            image = container["image"]
            assert re.search(r":[^/:@]+$|@sha256:[0-9a-f]{64}$", image), image
            assert not image.endswith(":latest")
            assert "." not in image.partition("/")[0] or "/" not in image, f"{image} starts with a registry's host"


@pytest.mark.parametrize("file_name", file_names())
def test_volumes_that_are_mounted_exist_and_those_that_exist_are_mounted(file_name):
    for name, spec in pod_specs(file_name):
        mounted = {mount["name"] for container in containers(spec) for mount in container.get("volumeMounts", [])}
        assert mounted == {volume["name"] for volume in spec.get("volumes", [])}, name


@pytest.mark.parametrize("file_name", file_names())
def test_services_lead_to_ports_that_pods_have(file_name):
    chart = rendered(file_name)
    for service in chart.all("Service"):
        selector = service["spec"]["selector"].items()
        pods = [
            manifest["spec"]["template"]
            for manifest in chart.all("Deployment")
            if selector <= manifest["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert pods, service["metadata"]["name"]
        for pod in pods:
            ports = {port["name"] for container in containers(pod["spec"]) for port in container.get("ports", [])}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_common_labels_and_annotations_are_on_every_object():
    mine = {"team": "vision"}
    for file_name in file_names():
        values = {**load_values(values_path(file_name)), "commonLabels": mine, "commonAnnotations": {"owner": "ada"}}
        for manifest in render(values).objects:
            name = f"{file_name}: {manifest['kind']}/{manifest['metadata']['name']}"
            assert mine.items() <= manifest["metadata"]["labels"].items(), name
            assert manifest["metadata"]["annotations"]["owner"] == "ada", name


COMBINATIONS = [
    ("values-production.yaml", "values-canary.yaml"),
    ("values-production.yaml", "values-multi-region-eu.yaml"),
    ("values-production.yaml", "values-multi-region-us.yaml"),
    ("values-laptop.yaml", "values-canary.yaml"),
]


def merged(below: Manifest, above: Manifest) -> Manifest:
    """Values of two files as `helm --values below --values above` merges them."""
    return {
        key: merged(below[key], above[key])
        if isinstance(below.get(key), dict) and isinstance(above.get(key), dict)
        else above.get(key, below.get(key))
        for key in below.keys() | above.keys()
    }


@pytest.mark.parametrize(("below", "above"), COMBINATIONS)
def test_files_that_are_meant_to_be_combined_can_be(below, above):
    chart = render(merged(load_values(values_path(below)), load_values(values_path(above))))
    for version in kubernetes_schemas.versions()[::8]:
        for manifest in filter(kubernetes_schemas.is_built_in, chart.objects):
            assert kubernetes_schemas.problems(manifest, version) == []


@pytest.mark.parametrize("file_name", file_names())
def test_the_notes_name_the_next_commands(file_name):
    notes = rendered(file_name).notes
    for command in ("rollout status", "helm test genod", "port-forward", "genod detect", "helm rollback genod"):
        assert command in notes
