"""Backbone and heads in eager PyTorch, with the weights of the served graphs.

Checkpoints are not part of the repository, and need not be: the exporter keeps the names of all weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from loadtest.benchmarks.peers.servers.onnx_pipeline import CANDIDATES, HEADS, LabelPropagation
from loadtest.benchmarks.peers.servers.photo_steps import PhotoReader
from training.detector.backbone import SharedBackbone
from training.detector.fcos_head import FCOSHead
from training.detector.served_head import ServedHead


class TorchPipeline:
    """Photo bytes in, the answer as JSON's types out. May be called by several threads at once."""

    def __init__(self, repository: Path) -> None:
        self._read = PhotoReader(repository)
        self._backbone = load_backbone(repository / "backbone/1/model.onnx")
        self._heads = {head: load_head(repository / head / "1/model.onnx") for head in HEADS}
        self._propagate = LabelPropagation(repository)

    def __call__(self, photo: bytes) -> dict[str, Any]:
        """Detect."""
        read = self._read(photo)
        candidates: dict[str, Any] = {}
        with torch.inference_mode():
            features = self._backbone(torch.from_numpy(read["pixels"]))
            for name, head in self._heads.items():
                outputs = head(*features)
                candidates |= {f"{name}_{key}": value.numpy() for key, value in zip(CANDIDATES, outputs, strict=True)}
        return self._propagate(read, candidates)


def load_backbone(path: Path) -> SharedBackbone:
    """Return the module whose export the graph is."""
    backbone = SharedBackbone()
    backbone.load_state_dict(_weights(onnx.load(path), set(backbone.state_dict())))
    return backbone.eval()


def load_head(path: Path) -> ServedHead:
    """Return the module whose export the graph is; its classes are in the graph's metadata."""
    model = onnx.load(path)
    class_ids = json.loads({entry.key: entry.value for entry in model.metadata_props}["class_ids"])
    head = ServedHead(FCOSHead(in_channels=SharedBackbone.out_channels, num_classes=len(class_ids)), class_ids)
    head.load_state_dict(_weights(model, set(head.state_dict())))
    return head.eval()


def _weights(model: onnx.ModelProto, names: set[str]) -> dict[str, torch.Tensor]:
    return {
        tensor.name: torch.from_numpy(np.array(numpy_helper.to_array(tensor)))
        for tensor in model.graph.initializer
        if tensor.name in names
    }
