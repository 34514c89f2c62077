import pytest

from tests.helm.pods import arguments, container, environment, triton_pod

MIG = {"mode": "mig", "mig": {"profile": "1g.10gb"}}


def limits(gpu):
    return container(triton_pod({"gpu": gpu}), "triton")["resources"]["limits"]


def targets(values):
    return [argument.partition("=")[2] for argument in arguments(values) if argument.startswith("--model-config-name=")]


def test_a_pod_has_one_whole_gpu():
    assert limits({"mode": "gpu"})["nvidia.com/gpu"] == 1


def test_a_pod_has_one_slice_named_by_its_profile():
    assert limits(MIG)["nvidia.com/mig-1g.10gb"] == 1
    assert "nvidia.com/gpu" not in limits(MIG)


def test_the_single_strategy_calls_a_slice_a_gpu():
    assert limits({"mode": "mig", "mig": {"strategy": "single"}})["nvidia.com/gpu"] == 1


def test_a_pod_without_gpu_asks_for_none_and_sees_none():
    assert not [name for name in limits({"mode": "cpu"}) if "/" in name]
    spec = triton_pod({"gpu": {"mode": "cpu"}})
    assert "tolerations" not in spec
    # Where NVIDIA's runtime is the default one, the image would otherwise ask for all GPUs.
    assert environment(container(spec, "triton"))["NVIDIA_VISIBLE_DEVICES"] == "void"


def test_no_other_container_of_the_pod_takes_a_gpu():
    spec = triton_pod()
    for other in ("fetch-release", "probe"):
        assert not [name for name in container(spec, other)["resources"]["limits"] if "/" in name]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ["onnxruntime-gpu"]),
        ({"gpu": MIG}, ["onnxruntime-gpu"]),
        ({"gpu": {"mode": "cpu"}}, []),
        ({"engines": {"enabled": True, "builder": "init"}}, ["tensorrt"]),
        ({"engines": {"enabled": True, "builder": "init"}, "gpu": {"target": "tensorrt-h100"}}, ["tensorrt-h100"]),
        ({"gpu": {"target": "mine"}}, ["mine"]),
    ],
)
def test_the_models_take_the_configs_of_what_the_pod_computes_on(values, expected):
    assert targets(values) == expected


def test_pods_go_to_nodes_with_the_product_and_bear_their_taint():
    spec = triton_pod({"gpu": {"product": "NVIDIA-L4"}, "scheduling": {"nodeSelector": {"pool": "a"}}})
    assert spec["nodeSelector"] == {"pool": "a", "nvidia.com/gpu.product": "NVIDIA-L4"}
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in spec["tolerations"]


def test_a_runtime_class_is_set_only_where_one_is_named():
    assert "runtimeClassName" not in triton_pod()
    assert triton_pod({"gpu": {"runtimeClassName": "nvidia"}})["runtimeClassName"] == "nvidia"


def test_another_vendor_has_its_own_resource():
    assert limits({"mode": "gpu", "resourcePrefix": "example.com"})["example.com/gpu"] == 1
