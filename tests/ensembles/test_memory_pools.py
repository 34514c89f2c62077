from pathlib import Path

from ensembles.memory_pools import IntermediateTensor, intermediate_tensors
from ensembles.repository import load_repository
from tests.ensembles.toy_repository import edit, rewire, step


def _by_tensor(root: Path) -> dict[str, IntermediateTensor]:
    repository = load_repository(root)
    tensors = intermediate_tensors(repository.models["toy"], repository)
    return {tensor.writer.tensor: tensor for tensor in tensors}


def test_every_tensor_that_a_step_writes_counts(toy: Path) -> None:
    assert _by_tensor(toy).keys() == {
        "pixels", "image_size", "p3", "scores", "class_ids",
        "head_a_scores", "head_a_class_ids", "head_b_scores", "head_b_class_ids",
    }  # fmt: skip


def test_fixed_shape_is_counted_from_the_config(toy: Path) -> None:
    assert _by_tensor(toy)["scores"].bytes_per_image == 6 * 4


def test_variable_shape_is_as_large_as_its_readers_largest_warmup(toy: Path) -> None:
    edit(toy, "head_b", "[ 3, 8, 16 ]", "[ 3, 10, 20 ]")
    tensors = _by_tensor(toy)
    assert tensors["p3"].bytes_per_image == 3 * 10 * 20 * 4
    assert tensors["pixels"].bytes_per_image == 8 * 16 * 3


def test_variable_shape_without_warmup_is_unknown(toy: Path) -> None:
    edit(toy, "backbone", 'key: "pixels"', 'key: "other"')
    assert _by_tensor(toy)["pixels"].bytes_per_image is None


def test_pool_is_that_of_the_writer(toy: Path) -> None:
    edit(toy, "backbone", "KIND_CPU", "KIND_GPU")
    on_gpu = {name for name, tensor in _by_tensor(toy).items() if tensor.on_gpu}
    assert on_gpu == {"p3"}


def test_tensor_of_a_model_that_does_not_exist_is_skipped(toy: Path) -> None:
    rewire(toy, lambda config: setattr(step(config, "backbone"), "model_name", "spine"))
    assert "p3" not in _by_tensor(toy)


def test_an_output_that_nobody_reads_counts_as_the_ensemble_declares_it_or_not_at_all(toy: Path) -> None:
    edit(
        toy,
        "label_propagation",
        '"scores" data_type: TYPE_FP32 dims: [ 6 ]',
        '"scores" data_type: TYPE_FP32 dims: [ -1 ]',
    )
    assert _by_tensor(toy)["scores"].bytes_per_image == 6 * 4  # the rendered ensemble still says 6
    rewire(toy, lambda config: config.output[0].dims.__setitem__(0, -1))
    assert "scores" not in _by_tensor(toy)
