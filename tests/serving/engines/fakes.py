"""A builder at the seam to TensorRT, and small repositories to build from."""

from dataclasses import dataclass, field
from pathlib import Path

from onnx import helper

from serving.engines.builder import BuildRequest, BuiltEngine
from serving.engines.gpu_product import GpuProduct
from tests.serving.toy_repository import Tensor, write_model

L4 = GpuProduct("NVIDIA L4", "8.9")
H100 = GpuProduct("NVIDIA H100 80GB HBM3", "9.0")


@dataclass
class FakeBuilder:
    """Gives the prepared graph itself as the plan, or fails."""

    version: str = "10.16.1.11"
    failure: Exception | None = None
    requests: list[BuildRequest] = field(default_factory=list)

    def build(self, request: BuildRequest) -> BuiltEngine:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        return BuiltEngine(request.onnx, request.timing_cache + b"t")


def write_canvas_model(repository: Path, name: str = "net", *, target: str = "") -> Path:
    """`y = x + x` on canvases of 2x3 and 3x2; returns its target config."""
    write_model(
        repository,
        name,
        inputs=[Tensor("x", "TYPE_FP32", (-1, -1))],
        outputs=[Tensor("y", "TYPE_FP32", (-1, -1))],
        nodes=[helper.make_node("Add", ["x", "x"], ["y"])],
    )
    config = repository / name / "configs" / "tensorrt.pbtxt"
    config.parent.mkdir()
    config.write_text(target or canvas_target(name))
    return config


def canvas_target(name: str = "net") -> str:
    """Two canvases, each warmed up for batch 1 and 8."""
    warmups = ",".join(
        f'{{ name: "w" batch_size: {batch} inputs {{ key: "x" value: {{ data_type: TYPE_FP32 dims: {canvas}'
        " zero_data: true } } }"
        for canvas in ([2, 3], [3, 2])
        for batch in (1, 8)
    )
    return (
        f'name: "{name}"\nplatform: "tensorrt_plan"\nmax_batch_size: 8\n'
        'input [ { name: "x" data_type: TYPE_FP32 dims: [ -1, -1 ] } ]\n'
        'output [ { name: "y" data_type: TYPE_FP32 dims: [ -1, -1 ] } ]\n'
        'instance_group [ { kind: KIND_GPU count: 1 profile: [ "0", "1" ] } ]\n'
        'parameters { key: "engine_precision" value: { string_value: "fp32" } }\n'
        'parameters { key: "engine_optimum_batch_size" value: { string_value: "4" } }\n'
        f"dynamic_batching {{ }}\nmodel_warmup [ {warmups} ]\n"
    )
