"""Toy ONNX graphs and their configs, written with `onnx.helper` into a model repository of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

ELEMENT_TYPES = {
    "TYPE_BOOL": TensorProto.BOOL,
    "TYPE_UINT8": TensorProto.UINT8,
    "TYPE_INT32": TensorProto.INT32,
    "TYPE_INT64": TensorProto.INT64,
    "TYPE_FP16": TensorProto.FLOAT16,
    "TYPE_FP32": TensorProto.FLOAT,
    "TYPE_STRING": TensorProto.STRING,
}


@dataclass(frozen=True)
class Tensor:
    """A tensor of a graph and of its config; dims without the batch, -1 is variable."""

    name: str
    type: str
    dims: tuple[int, ...]

    def value_info(self, *, is_batched: bool) -> onnx.ValueInfoProto:
        shape = [f"{self.name}_{axis}" if dim < 0 else dim for axis, dim in enumerate(self.dims)]
        return helper.make_tensor_value_info(
            self.name, ELEMENT_TYPES[self.type], ["batch", *shape] if is_batched else shape
        )

    @property
    def config(self) -> str:
        return f'{{ name: "{self.name}" data_type: {self.type} dims: {list(self.dims)} }}'


def write_model(
    repository: Path,
    name: str,
    *,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    nodes: Sequence[onnx.NodeProto],
    initializers: Sequence[onnx.TensorProto] = (),
    max_batch_size: int = 8,
    settings: str = "",
    instance_count: int = 1,
    filename: str = "model.onnx",
    config_inputs: Sequence[Tensor] | None = None,
    config_outputs: Sequence[Tensor] | None = None,
) -> None:
    """Write `<name>/1/<filename>` and `<name>/config.pbtxt`, which may be made to disagree with the graph."""
    is_batched = max_batch_size > 0
    graph = helper.make_graph(
        list(nodes),
        name,
        [tensor.value_info(is_batched=is_batched) for tensor in inputs],
        [tensor.value_info(is_batched=is_batched) for tensor in outputs],
        initializer=list(initializers),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    version = repository / name / "1"
    version.mkdir(parents=True)
    onnx.save(model, version / filename)
    (repository / name / "config.pbtxt").write_text(
        f'name: "{name}"\nbackend: "onnxruntime"\nmax_batch_size: {max_batch_size}\n'
        + config_tensors("input", config_inputs or inputs)
        + config_tensors("output", config_outputs or outputs)
        # Always written: without it Triton starts two instances on a CPU.
        + f"instance_group [ {{ kind: KIND_CPU count: {instance_count} }} ]\n"
        + settings
    )


def config_tensors(role: str, tensors: Sequence[Tensor]) -> str:
    return f"{role} [ {', '.join(tensor.config for tensor in tensors)} ]\n"


def constant(name: str, values: object, dtype: type) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(np.asarray(values, dtype=dtype), name)


def write_double(repository: Path, name: str = "double", *, settings: str = "", instance_count: int = 1) -> None:
    """`y = x + x`, one number a row."""
    write_model(
        repository,
        name,
        inputs=[Tensor("x", "TYPE_FP32", (1,))],
        outputs=[Tensor("y", "TYPE_FP32", (1,))],
        nodes=[helper.make_node("Add", ["x", "x"], ["y"])],
        settings=settings,
        instance_count=instance_count,
    )


def write_batch_size(repository: Path, *, delay_us: int) -> None:
    """`batch_size` tells in every row how many rows its run had; `x_again` returns the row itself."""
    write_model(
        repository,
        "batch_size",
        inputs=[Tensor("x", "TYPE_FP32", (1,))],
        outputs=[Tensor("batch_size", "TYPE_INT64", (1,)), Tensor("x_again", "TYPE_FP32", (1,))],
        nodes=[
            helper.make_node("Shape", ["x"], ["x_shape"]),
            helper.make_node("Slice", ["x_shape", "zero", "one"], ["row_count"]),
            helper.make_node("Expand", ["row_count", "x_shape"], ["batch_size"]),
            helper.make_node("Identity", ["x"], ["x_again"]),
        ],
        initializers=[constant("zero", [0], np.int64), constant("one", [1], np.int64)],
        settings=f"dynamic_batching {{ max_queue_delay_microseconds: {delay_us} }}\n",
    )


def write_look_up(repository: Path, name: str = "look_up", *, delay_us: int = 0, settings: str = "") -> None:
    """`value = [10, 11, 12][index]`; another index is an error of the run. `index_again` is the input."""
    write_model(
        repository,
        name,
        inputs=[Tensor("index", "TYPE_INT64", (1,))],
        outputs=[Tensor("value", "TYPE_FP32", (1,)), Tensor("index_again", "TYPE_INT64", (1,))],
        nodes=[
            helper.make_node("Gather", ["table", "index"], ["value"]),
            helper.make_node("Identity", ["index"], ["index_again"]),
        ],
        initializers=[constant("table", [10, 11, 12], np.float32)],
        settings=settings or f"dynamic_batching {{ max_queue_delay_microseconds: {delay_us} }}\n",
    )


def write_every_type(repository: Path) -> None:
    """One input and output, `in_<type>` and `out_<type>`, for every tensor type, passed on unchanged."""
    names = [type_name.removeprefix("TYPE_").lower() for type_name in ELEMENT_TYPES]
    write_model(
        repository,
        "every_type",
        inputs=[Tensor(f"in_{name}", type_name, (-1,)) for name, type_name in zip(names, ELEMENT_TYPES, strict=True)],
        outputs=[Tensor(f"out_{name}", type_name, (-1,)) for name, type_name in zip(names, ELEMENT_TYPES, strict=True)],
        nodes=[helper.make_node("Identity", [f"in_{name}"], [f"out_{name}"]) for name in names],
        settings="dynamic_batching { max_queue_delay_microseconds: 100000 }\n",
    )


def write_unbatched_sum(repository: Path) -> None:
    """`total` of a matrix whose both sizes are free; no batching, and the file has another name."""
    write_model(
        repository,
        "unbatched_sum",
        inputs=[Tensor("matrix", "TYPE_FP32", (-1, -1))],
        outputs=[Tensor("total", "TYPE_FP32", (1,))],
        nodes=[
            helper.make_node("ReduceSum", ["matrix"], ["total_matrix"], keepdims=1),
            helper.make_node("Reshape", ["total_matrix", "one"], ["total"]),
        ],
        initializers=[constant("one", [1], np.int64)],
        max_batch_size=0,
        settings='default_model_filename: "graph.onnx"\n',
        filename="graph.onnx",
    )


def write_work(repository: Path, name: str, *, multiplications: int) -> None:
    """`y = x` after so many 256 x 256 matrix products, about 1 ms each: something to be in the middle of."""
    side = 256
    nodes = [helper.make_node("Expand", ["x_column", "shape"], ["m0"])]
    nodes += [helper.make_node("MatMul", [f"m{step}", "identity"], [f"m{step + 1}"]) for step in range(multiplications)]
    write_model(
        repository,
        name,
        inputs=[Tensor("x", "TYPE_FP32", (1,))],
        outputs=[Tensor("y", "TYPE_FP32", (1,))],
        nodes=[
            helper.make_node("Unsqueeze", ["x", "last_axis"], ["x_column"]),
            *nodes,
            helper.make_node("ReduceMean", [f"m{multiplications}"], ["mean"], axes=[1, 2], keepdims=0),
            helper.make_node("Unsqueeze", ["mean", "last_axis_of_mean"], ["y"]),
        ],
        initializers=[
            constant("last_axis", [2], np.int64),
            constant("last_axis_of_mean", [1], np.int64),
            constant("shape", [1, side, side], np.int64),
            constant("identity", np.eye(side), np.float32),
        ],
        settings='dynamic_batching {}\nparameters { key: "intra_op_thread_count" value: { string_value: "1" } }\n',
    )


def write_diamond(repository: Path, *, multiplications: int = 5) -> None:
    """The shape of `detect`: `stem`, two branches side by side, `join`; `detect_toy` returns `y = 2 x`."""
    for name in ("stem", "branch_a", "branch_b"):
        write_work(repository, name, multiplications=multiplications)
    write_model(
        repository,
        "join",
        inputs=[Tensor("a", "TYPE_FP32", (1,)), Tensor("b", "TYPE_FP32", (1,))],
        outputs=[Tensor("y", "TYPE_FP32", (1,))],
        nodes=[helper.make_node("Add", ["a", "b"], ["y"])],
        settings="dynamic_batching {}\n",
    )
    steps = (
        step("stem", {"x": "x"}, {"y": "stem"}),
        step("branch_a", {"x": "stem"}, {"y": "a"}),
        step("branch_b", {"x": "stem"}, {"y": "b"}),
        step("join", {"a": "a", "b": "b"}, {"y": "y"}),
    )
    (repository / "detect_toy" / "1").mkdir(parents=True)
    (repository / "detect_toy" / "config.pbtxt").write_text(
        'name: "detect_toy"\nplatform: "ensemble"\nmax_batch_size: 8\n'
        + config_tensors("input", [Tensor("x", "TYPE_FP32", (1,))])
        + config_tensors("output", [Tensor("y", "TYPE_FP32", (1,))])
        + f"ensemble_scheduling {{ step [ {', '.join(steps)} ] }}\n"
    )


def step(model: str, input_map: dict[str, str], output_map: dict[str, str]) -> str:
    maps = [f'input_map {{ key: "{key}" value: "{value}" }}' for key, value in input_map.items()]
    maps += [f'output_map {{ key: "{key}" value: "{value}" }}' for key, value in output_map.items()]
    return f'{{ model_name: "{model}" model_version: 1 {" ".join(maps)} }}'
