import pytest

from tests.helm.chart import render
from tests.helm.pods import STABLE, container, environment, triton_pod

TEMPLATE = "templates/triton/deployment-stable.yaml"


def deployment(values=None, **options):
    (manifest,) = render(values, **options).of_template(TEMPLATE)
    return manifest


def test_there_is_one_pod_unless_a_number_is_given():
    assert deployment()["spec"]["replicas"] == 1
    assert deployment({"replicas": 3})["spec"]["replicas"] == 3
    assert deployment({"replicas": 0})["spec"]["replicas"] == 0


@pytest.mark.parametrize("autoscaler", ["keda", "hpa"])
def test_beside_an_autoscaler_it_has_no_replicas(autoscaler):
    assert "replicas" not in deployment({"autoscaling": {"enabled": True, "type": autoscaler}})["spec"]


@pytest.mark.parametrize(("strategy", "surge", "unavailable"), [("surge", 1, 0), ("replace", 0, 1)])
def test_a_rollout_never_changes_more_than_one_pod_at_a_time(strategy, surge, unavailable):
    rolling = deployment({"rollout": {"strategy": strategy}, "replicas": 8})["spec"]["strategy"]
    assert rolling == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
    }


def test_pods_carry_the_track_and_the_release_and_are_selected_by_the_track_only():
    manifest = deployment({"release": {"number": 7}})
    labels = manifest["spec"]["template"]["metadata"]["labels"]
    assert labels["genod/track"] == "stable"
    assert labels["genod/release"] == "7"
    selector = manifest["spec"]["selector"]["matchLabels"]
    # A selector cannot change: the release must not be in it.
    assert "genod/release" not in selector
    assert selector.items() <= labels.items()


def test_another_release_changes_the_pods():
    before, after = (deployment({"release": {"number": number}})["spec"]["template"] for number in (1, 2))
    assert before != after


def test_a_new_version_of_the_chart_alone_does_not_replace_pods():
    labels = deployment()["spec"]["template"]["metadata"]["labels"]
    assert not labels.keys() & {"helm.sh/chart", "app.kubernetes.io/version"}


def test_tritonserver_is_process_1():
    triton = container(triton_pod(), "triton")
    assert triton["command"] == ["tritonserver"]
    assert not any(word in argument for argument in triton["args"] for word in ("/bin/sh", "bash", "&&"))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({}, "genod-triton:26.05-py3"),
        (
            {"registry": "registry.example:5000/ml", "tag": "26.07-py3"},
            "registry.example:5000/ml/genod-triton:26.07-py3",
        ),
        ({"digest": "sha256:" + "a" * 64}, "genod-triton@sha256:" + "a" * 64),
        (
            {"registry": "r.example/", "repository": "x/y", "digest": "sha256:" + "b" * 64},
            "r.example/x/y@sha256:" + "b" * 64,
        ),
    ],
)
def test_the_digest_wins_over_the_tag(image, expected):
    assert container(triton_pod({"image": image}), "triton")["image"] == expected


def test_the_tools_are_those_of_the_charts_version():
    assert container(triton_pod(), "fetch-release")["image"] == "genod-tools:0.1.0"
    assert container(triton_pod({"toolsImage": {"tag": "2.0"}}), "probe")["image"] == "genod-tools:2.0"


def test_secrets_of_the_registry_reach_the_pod():
    assert triton_pod({"imagePullSecrets": [{"name": "mine"}]})["imagePullSecrets"] == [{"name": "mine"}]
    assert "imagePullSecrets" not in triton_pod()


def test_own_environment_annotations_and_labels_reach_the_pod():
    manifest = deployment({"triton": {"env": {"A": "1"}, "podAnnotations": {"b": "2"}, "podLabels": {"c": "3"}}})
    template = manifest["spec"]["template"]
    assert environment(container(template["spec"], "triton"))["A"] == "1"
    assert template["metadata"]["annotations"]["b"] == "2"
    assert template["metadata"]["labels"]["c"] == "3"


def test_the_rollout_may_take_as_long_as_a_start():
    values = {"probes": {"startupBudgetSeconds": 100}, "rollout": {"minReadySeconds": 7}}
    assert deployment(values)["spec"]["progressDeadlineSeconds"] == 100 + 7 + 600
    values["rollout"]["progressDeadlineSeconds"] = 300
    assert deployment(values)["spec"]["progressDeadlineSeconds"] == 300


def test_a_rollout_that_builds_engines_in_the_pod_may_take_as_long_as_the_build_too():
    values = {"engines": {"enabled": True, "builder": "init", "job": {"activeDeadlineSeconds": 1000}}}
    assert deployment(values)["spec"]["progressDeadlineSeconds"] == 900 + 10 + 600 + 1000


def test_names_follow_the_release_of_helm():
    assert deployment(name="other")["metadata"]["name"] == "other-genod-triton-stable"
    assert deployment({"fullnameOverride": "x"})["metadata"]["name"] == "x-triton-stable"
    assert deployment()["metadata"]["name"] == STABLE
