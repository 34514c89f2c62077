"""The graphs in ONNX Runtime, called one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime

from loadtest.benchmarks.peers.servers.photo_steps import ANSWERS, PhotoReader, Tensors, to_json

HEADS = ("head_generic", "head_electronics")
FEATURES = ("p3", "p4", "p5", "p6", "p7")
CANDIDATES = ("locations", "distances", "scores", "class_ids")


def open_graph(repository: Path, model: str, threads: int) -> onnxruntime.InferenceSession:
    """Open a graph with so many threads, which sleep when a run is over instead of taking the cores from the next."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(
        str(repository / model / "1/model.onnx"), options, providers=["CPUExecutionProvider"]
    )


class LabelPropagation:
    """Merges the heads' candidates; both kinds of peers use it."""

    def __init__(self, repository: Path) -> None:
        self._session = open_graph(repository, "label_propagation", 1)

    def __call__(self, photo: Tensors, candidates: dict[str, Any]) -> dict[str, Any]:
        """Return the answer; candidates are named as in the ensemble, `head_generic_scores`."""
        feeds = {**candidates, "canvas_to_image": photo["canvas_to_image"], "image_size": photo["image_size"]}
        outputs = dict(zip(ANSWERS, self._session.run(list(ANSWERS), feeds), strict=True))
        return to_json({**outputs, "image_size": photo["image_size"]})


class OnnxPipeline:
    """Photo bytes in, the answer as JSON's types out. May be called by several threads at once."""

    def __init__(self, repository: Path, *, threads: int) -> None:
        self._read = PhotoReader(repository)
        self._backbone = open_graph(repository, "backbone", threads)
        self._heads = {head: open_graph(repository, head, threads) for head in HEADS}
        self._propagate = LabelPropagation(repository)

    def __call__(self, photo: bytes) -> dict[str, Any]:
        """Detect."""
        read = self._read(photo)
        features = dict(zip(FEATURES, self._backbone.run(list(FEATURES), {"pixels": read["pixels"]}), strict=True))
        candidates: dict[str, Any] = {}
        for head, session in self._heads.items():
            outputs = session.run(list(CANDIDATES), features)
            candidates |= {f"{head}_{name}": value for name, value in zip(CANDIDATES, outputs, strict=True)}
        return self._propagate(read, candidates)
