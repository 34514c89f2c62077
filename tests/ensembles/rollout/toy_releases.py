"""Releases of graphs that really run, whose answers tell which release made them: `y = x + 1000 * release`.

    x -> stem (Python) -> head_a (x + 1000 * release) and head_b, ... (0) -> join (the sum) -> y

The ensemble `toy` has the response cache on. What two releases share has equal files.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from onnx import helper
from rich.console import Console

from ensembles.graph import Ensemble, Step
from ensembles.releases.checkout import build_candidate
from ensembles.releases.publishing import publish
from ensembles.releases.store import Store
from ensembles.releases.transfer_progress import TransferProgress
from ensembles.render_command import render_all
from tests.serving.toy_repository import Tensor, config_tensors, constant, write_model

QUIET = Console(quiet=True)
NAME = "toy"
_X, _Y = Tensor("x", "TYPE_FP32", (1,)), Tensor("y", "TYPE_FP32", (1,))
_STEM = """
import time
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.ballast = bytearray(1) * {ballast_bytes}
        for position in range(0, len(self.ballast), 4096):
            self.ballast[position] = 1
        if {fails}:
            raise ValueError("the weights of {name} are not those of this model")

    def execute(self, requests):
        time.sleep({execute_s})
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor("y", pb_utils.get_input_tensor_by_name(one, "x").as_numpy())])
            for one in requests
        ]
"""


def answer_of(release: int, x: float) -> float:
    return x + 1000 * release


def publish_toy(
    folder: Path,
    release: int,
    *,
    head_count: int = 2,
    stem_version: int = 1,
    fails: bool = False,
    ballast_bytes: int = 1,
    execute_s: float = 0,
    name: str = NAME,
) -> None:
    """Make a release and publish it to `folder/store`. Another stem needs another `stem_version`."""
    root = folder / "checkouts" / f"{name}-{release}" / "model_repository"
    heads = [f"head_{letter}" for letter in "abcdefg"[:head_count]]
    (root / "stem" / str(stem_version)).mkdir(parents=True)
    (root / "stem" / str(stem_version) / "model.py").write_text(
        _STEM.format(ballast_bytes=ballast_bytes, fails=fails, execute_s=execute_s, name="stem")
    )
    (root / "stem" / "config.pbtxt").write_text(
        'name: "stem"\nbackend: "python"\nmax_batch_size: 8\n'
        + config_tensors("input", [_X])
        + config_tensors("output", [_Y])
        + "instance_group [ { kind: KIND_CPU count: 1 } ]\ndynamic_batching {}\n"
    )
    for head in heads:
        factor, offset = (1.0, 1000.0 * release) if head == "head_a" else (0.0, 0.0)
        write_model(
            root,
            head,
            inputs=[_X],
            outputs=[_Y],
            nodes=[
                helper.make_node("Mul", ["x", "factor"], ["scaled"]),
                helper.make_node("Add", ["scaled", "c"], ["y"]),
            ],
            initializers=[constant("factor", [factor], np.float32), constant("c", [offset], np.float32)],
            settings="dynamic_batching {}\n",
        )
    (root / "head_a" / "1").rename(root / "head_a" / str(release))
    # The same name with other tensors where there are more heads, as label propagation has.
    inputs = [Tensor(head[-1], "TYPE_FP32", (1,)) for head in heads]
    write_model(
        root,
        "join",
        inputs=inputs,
        outputs=[_Y],
        nodes=[helper.make_node("Sum", [tensor.name for tensor in inputs], ["y"])],
        settings="dynamic_batching {}\n",
    )
    wiring = Ensemble(
        name=name,
        max_batch_size=8,
        inputs=("x",),
        outputs=("y",),
        response_cache=True,
        steps=(
            Step("stem", version=stem_version, outputs={"y": "stem"}),
            *(
                Step(
                    head,
                    version=release if head == "head_a" else 1,
                    inputs={"x": "stem"},
                    outputs={"y": head[-1]},
                )
                for head in heads
            ),
            Step("join"),
        ),
    )
    render_all(root, [wiring])
    candidate = build_candidate(root, [wiring], number=release)
    publish(candidate.manifest, candidate, Store(str(folder / "store")), TransferProgress("", QUIET))


def options(folder: Path, *, number: int | None = None, url: str | None = None, **settings) -> argparse.Namespace:
    """What the command line gives to `activate` and `rollback`, with `folder` as `publish_toy` has it."""
    defaults: dict[str, Any] = {
        "number": number,
        "url": url,
        "repository": folder / "rollout",
        "store": str(folder / "store"),
        "header": [],
        "load_timeout_s": 60.0,
        "drain_timeout_s": 60.0,
    }
    return argparse.Namespace(**{**defaults, **settings})
