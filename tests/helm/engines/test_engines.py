"""What a Triton pod does with engines, whoever built them."""

import subprocess
import sys

import pytest

from tests.conftest import REPO_ROOT
from tests.helm.engines.test_job import ENGINES
from tests.helm.pods import arguments, container, triton_pod, volume

IN_THE_POD = {"engines": {"enabled": True, "builder": "init"}}


def test_switched_off_the_release_itself_is_served():
    spec = triton_pod()
    assert "build-engines" not in [found["name"] for found in spec["initContainers"]]
    assert not {"engines", "linked"} & {found["name"] for found in spec["volumes"]}
    assert "--model-repository=/models/current" in arguments()


@pytest.mark.parametrize("values", [ENGINES, IN_THE_POD])
def test_triton_serves_the_release_linked_with_its_engines(values):
    spec = triton_pod(values)
    build = container(spec, "build-engines")
    assert "--link-into=/linked" in build["args"]
    assert "--model-repository=/linked" in arguments(values)
    mounts = {mount["name"]: mount for mount in container(spec, "triton")["volumeMounts"]}
    for name in ("linked", "engines", "models"):
        # The links lead from one to the others, by these paths.
        assert mounts[name]["readOnly"] is True
    built = {mount["name"]: mount["mountPath"] for mount in build["volumeMounts"]}
    assert all(built[name] == mounts[name]["mountPath"] for name in ("linked", "engines", "models"))


@pytest.mark.parametrize("values", [ENGINES, IN_THE_POD])
def test_engines_come_after_the_release_and_before_the_probe(values):
    names = [found["name"] for found in triton_pod(values)["initContainers"]]
    assert names == ["fetch-release", "build-engines", "probe"]


def test_the_pod_builds_on_the_gpu_that_it_serves_on():
    spec = triton_pod(IN_THE_POD)
    # Kubernetes reserves the larger of init containers and containers, not their sum: it is one and the same GPU.
    assert container(spec, "build-engines")["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert container(spec, "triton")["resources"]["limits"]["nvidia.com/gpu"] == 1


def test_without_a_claim_engines_lie_in_the_pod():
    spec = triton_pod({"engines": {"enabled": True, "builder": "init", "cache": {"sizeLimitMiB": 99}}})
    assert volume(spec, "engines") == {"name": "engines", "emptyDir": {"sizeLimit": "99Mi"}}


@pytest.mark.parametrize("values", [ENGINES, IN_THE_POD])
def test_the_builder_takes_the_rendered_arguments(values, tmp_path):
    build = container(triton_pod(values), "build-engines")
    rewritten = [
        argument.replace("=/models/current", f"={REPO_ROOT / 'model_repository'}")
        .replace("=/engines", f"={tmp_path / 'engines'}")
        .replace("=/linked", f"={tmp_path / 'linked'}")
        for argument in build["args"]
    ]
    command = [sys.executable, *build["command"][1:], *rewritten]
    built = subprocess.run(command, cwd=REPO_ROOT, capture_output=True, text=True)
    # Wrong usage would be 2. Without TensorRT it gets as far as needing it.
    assert built.returncode == 1, built.stderr
    assert "tensorrt cannot be imported" in built.stderr


def test_onnxruntimes_own_engines_have_a_place_that_triton_can_write():
    spec = triton_pod({"gpu": {"target": "onnxruntime-tensorrt"}, "engines": {"cache": {"claimName": "mine"}}})
    assert {"name": "engines", "mountPath": "/engines"} in container(spec, "triton")["volumeMounts"]
    assert volume(spec, "engines")["persistentVolumeClaim"] == {"claimName": "mine"}
    config = (REPO_ROOT / "model_repository/backbone/configs/onnxruntime-tensorrt.pbtxt").read_text()
    assert '"/engines/' in config
