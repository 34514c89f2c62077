from pathlib import Path

from ensembles.memory_pools import MemoryPools
from tests.ensembles.conftest import FindBroken
from tests.ensembles.toy_repository import edit

_P3_BYTES = 3 * 8 * 16 * 4


def test_without_a_gpu_no_pool_is_too_small(broken: FindBroken) -> None:
    assert broken(MemoryPools(cuda_bytes=0, pinned_bytes=0)) == []


def test_gpu_intermediates_must_fit_the_cuda_pool(toy: Path, broken: FindBroken) -> None:
    edit(toy, "backbone", "KIND_CPU", "KIND_GPU")
    assert broken(MemoryPools(cuda_bytes=32 * _P3_BYTES)) == []
    (problem,) = broken(MemoryPools(cuda_bytes=32 * _P3_BYTES - 1))
    assert problem.rule == "pool-too-small"
    assert f"--cuda-memory-pool-byte-size=<gpu>:{32 * _P3_BYTES}" in problem.expected


def test_fewer_images_in_flight_need_less(toy: Path, broken: FindBroken) -> None:
    edit(toy, "backbone", "KIND_CPU", "KIND_GPU")
    assert broken(MemoryPools(cuda_bytes=4 * _P3_BYTES, images_in_flight=4)) == []


def test_what_the_cpu_writes_must_fit_the_pinned_pool(toy: Path, broken: FindBroken) -> None:
    edit(toy, "backbone", "KIND_CPU", "KIND_GPU")
    (problem,) = broken(MemoryPools(pinned_bytes=1))
    assert "--pinned-memory-pool-byte-size=" in problem.expected


def test_tensor_of_unknown_size_is_refused(toy: Path, broken: FindBroken) -> None:
    edit(toy, "backbone", "KIND_CPU", "KIND_GPU")
    for head in ("head_a", "head_b"):
        path = toy / head / "config.pbtxt"
        text = path.read_text()
        path.write_text(text[: text.index("model_warmup")])
    (problem,) = broken()
    assert (problem.rule, problem.tensor) == ("intermediate-size-unknown", "p3")
