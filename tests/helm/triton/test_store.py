"""Where a pod's models come from."""

import pytest

from tests.helm.pods import container, environment, triton_pod, volume

DIGEST = "@sha256:" + "0" * 64


def store(**values):
    return {"modelStore": values}


def fetch_arguments(values):
    return container(triton_pod(values), "fetch-release")["args"]


@pytest.mark.parametrize(
    ("values", "url"),
    [
        (store(), "file:///store"),
        (store(pvc={"claimName": "x", "path": "/a/b/"}), "file:///store/a/b"),
        (store(type="s3", url="s3://bucket/genod"), "s3://bucket/genod"),
        (store(type="gcs", url="gs://bucket/genod"), "gs://bucket/genod"),
        (store(type="http", url="https://host/genod"), "https://host/genod"),
        (store(type="oci", oci={"reference": "x" + DIGEST, "path": "store"}), "file:///store/store"),
    ],
)
def test_every_kind_of_store_goes_through_the_fetch_that_checks_hashes(values, url):
    spec = triton_pod({**values, "release": {"number": 12}})
    fetch = container(spec, "fetch-release")
    assert fetch["command"] == ["python", "-m", "ensembles", "release", "fetch"]
    assert fetch["args"] == ["12", "--store", url, "--into", "/models"]


def test_a_claim_is_mounted_read_only():
    spec = triton_pod(store(pvc={"claimName": "mine"}))
    assert volume(spec, "store") == {"name": "store", "persistentVolumeClaim": {"claimName": "mine", "readOnly": True}}
    assert {"name": "store", "mountPath": "/store", "readOnly": True} in container(spec, "fetch-release")[
        "volumeMounts"
    ]


def test_an_image_is_mounted_as_a_volume():
    spec = triton_pod(store(type="oci", oci={"reference": "x" + DIGEST, "pullPolicy": "Always"}))
    assert volume(spec, "store") == {"name": "store", "image": {"reference": "x" + DIGEST, "pullPolicy": "Always"}}


def test_a_store_by_address_mounts_nothing():
    spec = triton_pod(store(type="s3", url="s3://b"))
    assert "store" not in [found["name"] for found in spec["volumes"]]


def test_credentials_reach_the_fetch_and_nobody_else():
    spec = triton_pod(store(type="s3", url="s3://b", credentialsSecret="aws", env={"AWS_ENDPOINT_URL": "http://minio"}))
    fetch = container(spec, "fetch-release")
    assert fetch["envFrom"] == [{"secretRef": {"name": "aws"}}]
    assert environment(fetch)["AWS_ENDPOINT_URL"] == "http://minio"
    for other in ("probe", "triton"):
        assert "envFrom" not in container(spec, other)
        assert "AWS_ENDPOINT_URL" not in environment(container(spec, other))


def test_triton_cannot_write_the_models():
    mounts = container(triton_pod(), "triton")["volumeMounts"]
    assert {"name": "models", "mountPath": "/models", "readOnly": True} in mounts


def test_without_a_cache_the_release_lies_in_the_pod():
    spec = triton_pod(store(cache={"sizeLimitMiB": 500}))
    assert volume(spec, "models") == {"name": "models", "emptyDir": {"sizeLimit": "500Mi"}}


def test_in_a_shared_cache_no_release_moves_the_link_of_another():
    values = {**store(cache={"claimName": "shared"}), "canary": {"enabled": True, "release": 2}}
    folders = set()
    for track, release in (("stable", 1), ("canary", 2)):
        spec = triton_pod(values, track)
        assert volume(spec, "models")["persistentVolumeClaim"] == {"claimName": "shared"}
        for name in ("fetch-release", "triton"):
            (mount,) = [found for found in container(spec, name)["volumeMounts"] if found["name"] == "models"]
            assert mount["subPath"] == f"release-{release}"
            folders.add(mount["subPath"])
    assert len(folders) == 2
