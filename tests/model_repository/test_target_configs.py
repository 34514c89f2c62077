"""The configs of GPU targets, as far as a machine without a GPU can tell."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from serving import TritonServer
from serving.errors import ModelLoadError
from tests.conftest import REPO_ROOT
from tests.serving.calls import free_ports

MODELS = REPO_ROOT / "model_repository"
TARGETS = ("tensorrt", "onnxruntime-gpu", "onnxruntime-tensorrt")
ON_GPU = ("backbone", "embedder", *sorted(folder.name for folder in MODELS.glob("head_*")))
WITH_ENGINES = tuple(model for model in ON_GPU if model != "embedder")
"""The embedder's graph loops over as many crops as there are: no engine has a shape for that."""

CANVASES = {(416, 672), (672, 416)}

PATHS = [MODELS / model / "configs" / f"{target}.pbtxt" for target in TARGETS for model in ON_GPU]


def read(path: Path) -> ModelConfig:
    return text_format.Parse(path.read_text(), ModelConfig())


def named(path: Path) -> str:
    return f"{path.parent.parent.name}-{path.stem}"


def test_every_target_has_a_config_for_each_model_with_convolutions_and_for_no_other() -> None:
    assert sorted(MODELS.glob("*/configs/*")) == sorted(PATHS)


@pytest.mark.parametrize("path", PATHS, ids=named)
def test_limits_and_tensors_are_those_of_the_default(path: Path) -> None:
    config, default = read(path), read(path.parent.parent / "config.pbtxt")
    assert (config.name, config.max_batch_size) == (default.name, default.max_batch_size)
    assert list(config.input) == list(default.input)
    assert list(config.output) == list(default.output)
    assert config.dynamic_batching.default_queue_policy == default.dynamic_batching.default_queue_policy


@pytest.mark.parametrize("path", PATHS, ids=named)
def test_both_canvases_are_warmed_up_for_the_smallest_and_the_largest_batch(path: Path) -> None:
    default = read(path.parent.parent / "config.pbtxt")
    canvases = {warmup.name: warmup.inputs for warmup in default.model_warmup}
    assert canvases.keys() == {"landscape", "portrait"}
    warmed = {warmup.name: warmup for warmup in read(path).model_warmup}
    assert warmed.keys() == {f"{canvas}_{batch}" for canvas in canvases for batch in (1, 16)}
    for name, warmup in warmed.items():
        canvas, batch = name.split("_")
        assert warmup.batch_size == int(batch)
        assert dict(warmup.inputs) == dict(canvases[canvas])


@pytest.mark.parametrize("model", WITH_ENGINES)
def test_every_preferred_batch_has_a_cuda_graph_on_both_canvases(model: str) -> None:
    config = read(MODELS / model / "configs" / "tensorrt.pbtxt")
    batches = {1, *config.dynamic_batching.preferred_batch_size}
    assert batches == {1, 2, 4, 8, 16}
    assert config.optimization.cuda.graphs
    first_input = config.input[0].name
    captured = {(spec.batch_size, tuple(spec.input[first_input].dim)) for spec in config.optimization.cuda.graph_spec}
    sizes = {tuple(warmup.inputs[first_input].dims) for warmup in config.model_warmup}
    assert captured == {(batch, size) for batch in batches for size in sizes}
    assert len(captured) == len(config.optimization.cuda.graph_spec) == 10


def test_the_backbones_canvases_are_the_two_of_preprocess() -> None:
    config = read(MODELS / "backbone" / "configs" / "tensorrt.pbtxt")
    assert {tuple(warmup.inputs["pixels"].dims)[:2] for warmup in config.model_warmup} == CANVASES


@pytest.mark.triton
@pytest.mark.parametrize("target", TARGETS)
def test_tritonserver_reads_them_and_misses_nothing_but_the_gpu(target: str, tmp_path: Path) -> None:
    options = free_ports(MODELS, model_config_name=target, log_file=tmp_path / "tritonserver.log")
    with pytest.raises(ModelLoadError) as refused, TritonServer(options):
        pytest.skip("this machine has a GPU: the configs can be served for real")
    lines = [line.strip() for line in str(refused.value).splitlines() if line.startswith("  ")]
    assert sorted(line.split(":")[0] for line in lines) == sorted(ON_GPU)
    for line in lines:
        is_engine = target == "tensorrt" and line.split(":")[0] in WITH_ENGINES
        missing = "unable to find backend library for backend 'tensorrt'" if is_engine else "no GPUs are available"
        assert missing in line
