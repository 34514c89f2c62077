"""Models for a real Triton that take a known time: they sleep, so that other work on the machine hardly matters.

The graph is that of `detect`: entry -> backbone -> (head_a and head_b side by side) -> join.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from loadtest.capacity.service_curve import ServiceCurve
from loadtest.capacity.service_profile import ServiceProfile
from loadtest.capacity.stage_profile import OWN_DEVICE, StageProfile

MODEL_PY = """
import time
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        inputs = [pb_utils.get_input_tensor_by_name(request, "{first}").as_numpy() for request in requests]
        time.sleep(({fixed_ms} + {per_item_ms} * sum(len(rows) for rows in inputs)) / 1e3)
        return [pb_utils.InferenceResponse([pb_utils.Tensor("y", rows)]) for rows in inputs]
"""


@dataclass(frozen=True)
class Sleeper:
    name: str
    fixed_ms: float
    per_item_ms: float
    after: tuple[str, ...] = ()
    instances: int = 1
    is_batched: bool = True
    delay_ms: float = 0.0

    @property
    def batching(self) -> str:
        delay_us = round(1e3 * self.delay_ms)
        return f"dynamic_batching {{ max_queue_delay_microseconds: {delay_us} }}" if self.is_batched else ""

    @property
    def curve(self) -> ServiceCurve:
        return ServiceCurve.affine(fixed_ms=self.fixed_ms, per_item_ms=self.per_item_ms)


def graph(*, is_batched: bool = True, delay_ms: float = 0.0, backbones: int = 1) -> tuple[Sleeper, ...]:
    sleeper = partial(Sleeper, is_batched=is_batched, delay_ms=delay_ms)
    return (
        sleeper("entry", 10, 2, instances=2),
        sleeper("backbone", 20, 12, after=("entry",), instances=backbones),
        sleeper("head_a", 14, 6, after=("backbone",)),
        sleeper("head_b", 10, 6, after=("backbone",)),
        sleeper("join", 6, 1, after=("head_a", "head_b")),
    )


def write(repository: Path, sleepers: tuple[Sleeper, ...], *, max_batch: int = 8) -> None:
    tensor = "data_type: TYPE_FP32 dims: [ -1 ]"  # its length stands for the orientation: one length per batch
    for sleeper in sleepers:
        names = [f"x{k}" for k in range(max(1, len(sleeper.after)))]
        version = repository / sleeper.name / "1"
        version.mkdir(parents=True)
        (version / "model.py").write_text(
            MODEL_PY.format(first=names[0], fixed_ms=sleeper.fixed_ms, per_item_ms=sleeper.per_item_ms)
        )
        (repository / sleeper.name / "config.pbtxt").write_text(
            f'name: "{sleeper.name}" backend: "python" max_batch_size: {max_batch}\n'
            + "".join(f'input {{ name: "{name}" {tensor} }}\n' for name in names)
            + f'output {{ name: "y" {tensor} }}\n'
            + f"instance_group {{ kind: KIND_CPU count: {sleeper.instances} }}\n{sleeper.batching}\n"
        )
    steps = []
    for sleeper in sleepers:
        inputs = [f"of_{name}" for name in sleeper.after] or ["x"]
        maps = "".join(f' input_map {{ key: "x{k}" value: "{name}" }}' for k, name in enumerate(inputs))
        output = "y" if sleeper is sleepers[-1] else f"of_{sleeper.name}"
        steps.append(
            f'step {{ model_name: "{sleeper.name}" model_version: -1{maps}'
            f' output_map {{ key: "y" value: "{output}" }} }}'
        )
    (repository / "all" / "1").mkdir(parents=True)
    (repository / "all/config.pbtxt").write_text(
        f'name: "all" platform: "ensemble" max_batch_size: {max_batch}\n'
        f'input {{ name: "x" {tensor} }} output {{ name: "y" {tensor} }}\n'
        f"ensemble_scheduling {{ {' '.join(steps)} }}\n"
    )


def profile(
    sleepers: tuple[Sleeper, ...], *, overhead_ms: float, max_batch: int = 8, shape_shares: tuple[float, ...]
) -> ServiceProfile:
    """What the simulation is told: the sleeps, and what everything around them takes, before the first of them."""
    nothing = ServiceCurve(((1, 0.0),))
    between = StageProfile(
        name="between",
        instances=None,
        resource=OWN_DEVICE,
        elapsed_ms=ServiceCurve(((1, overhead_ms),)),
        work_ms=nothing,
    )
    stages = tuple(
        StageProfile(
            name=sleeper.name,
            after=sleeper.after or ("between",),
            resource=OWN_DEVICE,
            instances=sleeper.instances,
            max_batch=max_batch if sleeper.is_batched else 1,
            max_queue_delay_ms=sleeper.delay_ms,
            elapsed_ms=sleeper.curve,
            work_ms=nothing,
        )
        for sleeper in sleepers
    )
    return ServiceProfile(stages=(between, *stages), resources={}, shape_shares=shape_shares)
