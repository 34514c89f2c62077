"""Values that do not work are refused, in words that say what is wrong, what is allowed and what to do."""

import re

import helm_python
import pytest

from tests.helm.chart import render

DIGEST = "@sha256:" + "0" * 64

TYPOS = [
    ({"repliccas": 2}, "'repliccas' not allowed"),
    ({"lifecycle": {"preStopSecond": 20}}, "at '/lifecycle': additional properties 'preStopSecond' not allowed"),
    ({"triton": {"grpc": {"maxConnectionAge": 5}}}, "at '/triton/grpc'"),
    ({"gpu": {"mode": "tpu"}}, "at '/gpu/mode': value must be one of 'gpu', 'mig', 'cpu'"),
    ({"modelStore": {"type": "ftp"}}, "value must be one of 'pvc', 's3', 'gcs', 'http', 'oci'"),
    ({"rollout": {"strategy": "recreate"}}, "value must be one of 'surge', 'replace'"),
    ({"replicas": "three"}, "at '/replicas': got string, want"),
    ({"replicas": -1}, "at '/replicas': minimum: got -1, want 0"),
    ({"release": {"number": 0}}, "at '/release/number': minimum"),
    ({"release": {"ensembles": []}}, "at '/release/ensembles'"),
    ({"podSecurity": {"runAsUser": 0}}, "at '/podSecurity/runAsUser': minimum: got 0, want 1"),
    ({"podSecurity": {"privileged": True}}, "additional properties 'privileged' not allowed"),
    ({"restrictedApi": {"categories": ["health"]}}, "at '/restrictedApi/categories/0': value must be one of"),
    ({"restrictedApi": {"categories": ["inference"]}}, "at '/restrictedApi/categories/0': value must be one of"),
    ({"image": {"digest": "abc"}}, "at '/image/digest'"),
    ({"resources": {"cpu": "lots"}}, "at '/resources/cpu'"),
    ({"triton": {"extraArgs": ["allow-http"]}}, "at '/triton/extraArgs/0'"),
]

CONTRADICTIONS = [
    # images
    ({"image": {"tag": "latest"}}, 'image.tag must be a Triton of 26.05 or newer, such as 26.05-py3, but is "latest"'),
    ({"image": {"tag": "26.04-py3"}}, "image.tag must be a Triton of 26.05 or newer"),
    ({"image": {"tag": "25.12-py3"}}, "image.tag must be a Triton of 26.05 or newer"),
    ({"toolsImage": {"tag": "latest"}}, "toolsImage.tag must name a version"),
    # gpu
    ({"gpu": {"mode": "mig"}}, "gpu.mode mig with gpu.mig.strategy mixed needs gpu.mig.profile, such as 1g.10gb"),
    ({"gpu": {"mig": {"profile": "1g.10gb"}}}, "set gpu.mode to mig, or remove the profile"),
    (
        {"gpu": {"mode": "cpu", "target": "onnxruntime-gpu"}},
        "gpu.target is onnxruntime-gpu, but gpu.mode cpu has no GPU",
    ),
    ({"gpu": {"mode": "cpu", "product": "NVIDIA-L4"}}, "gpu.product is NVIDIA-L4, but gpu.mode cpu has no GPU"),
    ({"gpu": {"mode": "cpu", "runtimeClassName": "nvidia"}}, "gpu.runtimeClassName is nvidia"),
    ({"gpu": {"mode": "cpu"}, "cudaMemoryPool": {"bytes": 2**30}}, "cudaMemoryPool.bytes is 1.07"),
    ({"gpu": {"target": "tensorrt"}}, "engines.enabled is false: set it to true, or gpu.target to onnxruntime-gpu"),
    # engines
    ({"gpu": {"mode": "cpu"}, "engines": {"enabled": True}}, "engines.enabled needs a GPU, but gpu.mode is cpu"),
    ({"gpu": {"target": "onnxruntime-gpu"}, "engines": {"enabled": True}}, "leave gpu.target empty"),
    ({"gpu": {"product": "x"}, "engines": {"enabled": True}}, "engines.builder job needs engines.cache.claimName"),
    ({"engines": {"enabled": True, "cache": {"claimName": "x"}}}, "engines.builder job needs gpu.product"),
    # store
    ({"modelStore": {"url": "s3://x"}}, "modelStore.type pvc is mounted and has no address: remove the url"),
    ({"modelStore": {"pvc": {"claimName": ""}}}, "modelStore.type pvc needs modelStore.pvc.claimName"),
    ({"modelStore": {"type": "s3"}}, 'modelStore.type s3 needs modelStore.url like s3://..., but it is ""'),
    ({"modelStore": {"type": "gcs", "url": "s3://x"}}, "modelStore.type gcs needs modelStore.url"),
    ({"modelStore": {"type": "http", "url": "ftp://x"}}, "modelStore.type http needs modelStore.url"),
    ({"modelStore": {"type": "oci", "oci": {"reference": "x:1"}}}, "modelStore.oci.reference with a digest"),
    (
        {"modelStore": {"type": "oci", "oci": {"reference": "x" + DIGEST, "kubernetesVersion": "v1.32.4"}}},
        "needs Kubernetes 1.33 or newer, but the cluster is v1.32.4",
    ),
    # memory
    ({"sharedMemory": {"sizeMiB": 64}}, "sharedMemory.sizeMiB is 64, but at least 867 is needed"),
    ({"cudaMemoryPool": {"bytes": 67108864}}, "cudaMemoryPool.bytes is 67108864, but at least 123320000 is needed"),
    ({"cudaMemoryPool": {"pinnedBytes": 1000}}, "cudaMemoryPool.pinnedBytes is 1000, but at least 268435456"),
    ({"resources": {"memoryMiB": 4096}}, "resources.memoryMiB is 4096, but at least 5219 is needed"),
    # life cycle
    (
        {"lifecycle": {"terminationGracePeriodSeconds": 94}},
        "lifecycle.terminationGracePeriodSeconds is 94, but at least 95 is needed",
    ),
    ({"envoy": {"enabled": False}, "lifecycle": {"preStopSeconds": 4}}, "need at least 5 s to stop sending requests"),
    ({"lifecycle": {"marginSeconds": 5}}, "lifecycle.marginSeconds is 5, but Triton needs at least 10 s"),
    ({"rollout": {"progressDeadlineSeconds": 600}}, "rollout.progressDeadlineSeconds is 600, but a pod may take 911"),
    ({"podDisruptionBudget": {"maxUnavailable": 0}}, "blocks every node drain for ever"),
    ({"podDisruptionBudget": {"maxUnavailable": "0%"}}, "blocks every node drain for ever"),
    # scaling and services
    ({"replicas": 2, "autoscaling": {"enabled": True}}, "replicas is 2 beside autoscaling.enabled"),
    ({"service": {"loadBalancerSourceRanges": ["10.0.0.0/8"]}}, "has no effect with service.type ClusterIP"),
    ({"service": {"ingress": {"enabled": True}}}, "service.ingress.enabled needs service.ingress.host"),
    (
        {"service": {"ingress": {"enabled": True, "host": "a.b", "grpcHost": "a.b"}}},
        "a controller speaks one protocol to what stands behind a host",
    ),
    (
        {
            "service": {"ingress": {"enabled": True, "host": "a.b"}},
            "envoy": {"tls": {"enabled": True, "secretName": "x"}},
        },
        "service.ingress.enabled and envoy.tls.enabled contradict each other",
    ),
    # model control
    ({"triton": {"modelControlMode": "explicit"}}, "set triton.explicitModelControlAcknowledged to true"),
    (
        {
            "triton": {"modelControlMode": "explicit", "explicitModelControlAcknowledged": True},
            "restrictedApi": {"enabled": False},
        },
        "lets every caller unload models unless restrictedApi.enabled is true",
    ),
    (
        {
            "triton": {"modelControlMode": "explicit", "explicitModelControlAcknowledged": True},
            "restrictedApi": {"categories": ["trace"]},
        },
        "lets every caller unload models",
    ),
    ({"restrictedApi": {"categories": []}}, "restricts nothing without restrictedApi.categories"),
    # what the chart computes
    ({"triton": {"extraArgs": ["--model-control-mode=poll"]}}, "the chart computes --model-control-mode itself"),
    ({"triton": {"extraArgs": ["--exit-timeout-secs=5"]}}, "the chart computes --exit-timeout-secs itself"),
    ({"triton": {"extraArgs": ["--cache-config=redis,host=x"]}}, "the chart computes --cache-config itself"),
    ({"triton": {"extraArgs": ["--trace-config=rate=1"]}}, "the chart computes --trace-config itself"),
    # labels and identity
    (
        {"commonLabels": {"app.kubernetes.io/name": "x"}},
        "commonLabels has app.kubernetes.io/name, which the chart sets",
    ),
    ({"triton": {"podLabels": {"genod/track": "x"}}}, "triton.podLabels has genod/track, which the chart sets"),
    (
        {"podSecurity": {"serviceAccount": {"create": False, "annotations": {"a": "b"}}}},
        "annotations go to the account that the chart makes",
    ),
]


@pytest.mark.parametrize(("values", "message"), TYPOS)
def test_the_schema_refuses_typos_and_impossible_values(values, message):
    with pytest.raises(helm_python.HelmValuesError, match=re.escape(message)):
        render(values)


@pytest.mark.parametrize(("values", "message"), CONTRADICTIONS)
def test_contradictions_are_refused_with_advice(values, message):
    with pytest.raises(helm_python.HelmRenderError, match=re.escape(message)):
        render(values)


def test_every_problem_is_named_at_once():
    values = {"image": {"tag": "latest"}, "sharedMemory": {"sizeMiB": 1}, "lifecycle": {"marginSeconds": 0}}
    with pytest.raises(helm_python.HelmRenderError) as refused:
        render(values)
    assert "These values do not work (3):" in str(refused.value)
    assert len(re.findall(r"^  \* ", str(refused.value), flags=re.MULTILINE)) == 3


@pytest.mark.parametrize(
    "values",
    [
        {"image": {"tag": "26.05-py3"}},
        {"image": {"tag": "26.12"}},
        {"image": {"tag": "27.01-py3-min"}},
        {"cudaMemoryPool": {"bytes": 123320000}},
        {"sharedMemory": {"sizeMiB": 867}},
        {"lifecycle": {"terminationGracePeriodSeconds": 95}},
        {"rollout": {"progressDeadlineSeconds": 911}},
        {"modelStore": {"type": "oci", "oci": {"reference": "x" + DIGEST, "kubernetesVersion": "1.33"}}},
    ],
)
def test_the_smallest_allowed_values_are_allowed(values):
    assert render(values).objects
