"""Arithmetic of memory, and that its inputs are those of the committed models."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensembles.memory_pools import intermediate_tensors
from ensembles.repository import DEFAULT_ROOT, load_repository
from ensembles.tensors import size_bytes
from tests.helm.chart import CHART_FOLDER, load_values
from tests.helm.pods import arguments, container, triton_pod, volume

MIB = 2**20
DEFAULTS = load_values(CHART_FOLDER / "values.yaml")
CANVAS_BYTES = (416 * 672 + 832 * 1344) * 3
"""Of a photo: the detector's and the one that objects are cut from."""
"""Both canvases of an image."""
ON_GPU = ("backbone", "head_", "embedder")


def number(values, name):
    (found,) = [argument.rpartition("=")[2] for argument in arguments(values) if argument.startswith(f"{name}=")]
    return int(found.rpartition(":")[2])


@settings(max_examples=20)
@given(per_image=st.integers(0, 50_000_000), in_flight=st.integers(1, 512), headroom=st.integers(0, 400))
def test_the_cuda_pool_holds_all_images_in_flight_and_the_headroom(per_image, in_flight, headroom):
    values = {
        "release": {"memory": {"gpuBytesPerImage": per_image}},
        "triton": {"imagesInFlight": in_flight},
        "cudaMemoryPool": {"headroomPercent": headroom},
    }
    expected = max(64 * MIB, per_image * in_flight * (100 + headroom) // 100)
    assert number(values, "--cuda-memory-pool-byte-size") == expected


def test_the_cuda_pool_is_that_of_the_only_gpu_and_absent_without():
    assert [argument for argument in arguments() if argument.startswith("--cuda-memory-pool-byte-size=0:")]
    assert not [a for a in arguments({"gpu": {"mode": "cpu"}}) if a.startswith("--cuda-memory-pool")]


def test_the_pinned_pool_is_never_below_tritons_default():
    assert number({}, "--pinned-memory-pool-byte-size") == 256 * MIB
    large = {"release": {"memory": {"hostBytesPerImage": 40_000_000}}}
    assert number(large, "--pinned-memory-pool-byte-size") == 40_000_000 * 32 * 125 // 100


@settings(max_examples=20)
@given(per_image=st.integers(0, 100_000_000), in_flight=st.integers(1, 512), instances=st.integers(0, 16))
def test_dev_shm_holds_what_the_largest_stage_hands_over(per_image, in_flight, instances):
    values = {
        "release": {"memory": {"largestStageBytesPerImage": per_image, "pythonInstances": instances}},
        "triton": {"imagesInFlight": in_flight},
    }
    shm = volume(triton_pod(values), "shared-memory")["emptyDir"]
    assert shm["medium"] == "Memory"
    assert shm["sizeLimit"] == f"{math.ceil(per_image * in_flight / MIB) + 64 * instances}Mi"


def test_dev_shm_is_mounted_where_python_stages_look_for_it():
    mounts = container(triton_pod(), "triton")["volumeMounts"]
    assert {"name": "shared-memory", "mountPath": "/dev/shm"} in mounts


def test_the_memory_limit_covers_shared_memory_pools_and_cache():
    values = {"triton": {"responseCache": {"enabled": True, "sizeMiB": 500}}, "resources": {"baseMemoryMiB": 1000}}
    spec = triton_pod(values)
    shm_mib = int(volume(spec, "shared-memory")["emptyDir"]["sizeLimit"].removesuffix("Mi"))
    resources = container(spec, "triton")["resources"]
    assert resources["limits"]["memory"] == f"{1000 + shm_mib + 256 + 500}Mi"
    assert resources["requests"]["memory"] == resources["limits"]["memory"]


def test_larger_sizes_than_the_computed_ones_are_taken():
    values = {
        "cudaMemoryPool": {"bytes": 2**31, "pinnedBytes": 2**30},
        "sharedMemory": {"sizeMiB": 4096},
        "resources": {"memoryMiB": 20000},
    }
    assert number(values, "--cuda-memory-pool-byte-size") == 2**31
    assert number(values, "--pinned-memory-pool-byte-size") == 2**30
    spec = triton_pod(values)
    assert volume(spec, "shared-memory")["emptyDir"]["sizeLimit"] == "4096Mi"
    assert container(spec, "triton")["resources"]["limits"]["memory"] == "20000Mi"


def test_cpu_is_not_limited_unless_asked_for():
    assert "cpu" not in container(triton_pod(), "triton")["resources"]["limits"]
    limited = container(triton_pod({"resources": {"cpuLimit": "8"}}), "triton")["resources"]
    assert limited["limits"]["cpu"] == "8"


@pytest.fixture(scope="module")
def bytes_per_image():
    """What each model of the committed ensemble with the most steps writes for one image."""
    repository = load_repository(DEFAULT_ROOT)
    sizes: dict[str, int] = {}
    for tensor in intermediate_tensors(repository.models["visual_search"], repository):
        shape = {
            ("backbone", f"p{level}"): math.ceil(416 / 2**level) * math.ceil(672 / 2**level) for level in range(3, 8)
        }
        size = tensor.bytes_per_image
        if size is None:
            # A config says -1 where the canvas decides.
            key = (tensor.writer.model, tensor.writer.model_tensor)
            size = 128 * 4 * shape[key]
        sizes[tensor.writer.model] = sizes.get(tensor.writer.model, 0) + size
    return sizes


def test_the_defaults_cover_the_committed_models_and_are_not_made_up(bytes_per_image):
    memory = DEFAULTS["release"]["memory"]
    on_gpu = sum(size for model, size in bytes_per_image.items() if model.startswith(ON_GPU))
    on_host = sum(size for model, size in bytes_per_image.items() if not model.startswith(ON_GPU))
    assert on_gpu <= memory["gpuBytesPerImage"] <= 1.1 * on_gpu
    assert on_host <= memory["hostBytesPerImage"] <= 1.1 * on_host


def test_the_default_of_the_largest_stage_is_the_largest_accepted_file_and_both_canvases():
    config = (DEFAULT_ROOT / "preprocess" / "config.pbtxt").read_text()
    assert 'key: "max_image_bytes" value: { string_value: "20000000" }' in config
    assert 20_000_000 + CANVAS_BYTES <= DEFAULTS["release"]["memory"]["largestStageBytesPerImage"] <= 25_000_000
    sizes = [size_bytes("UINT8", dims) for dims in ([416, 672, 3], [832, 1344, 3])]
    assert sum(size or 0 for size in sizes) == CANVAS_BYTES


def test_the_default_number_of_python_processes_is_that_of_the_configs():
    repository = load_repository(DEFAULT_ROOT)
    counts = [
        sum(group.count for group in model.config.instance_group)
        for model in repository.models.values()
        if model.config.backend == "python"
    ]
    assert sum(counts) == DEFAULTS["release"]["memory"]["pythonInstances"]
