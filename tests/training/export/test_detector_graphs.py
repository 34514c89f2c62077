"""Exported graphs say what PyTorch says, on canvases they were not exported with."""

import json

import numpy as np
import onnx
import pytest
import torch

from training.detector.backbone import SharedBackbone
from training.detector.fcos_head import FCOSHead
from training.detector.served_head import ServedHead
from training.export.detector_graphs import export_backbone, export_head
from training.export.parity import TOLERANCES, ParityError, check_backbone, check_head

TAXONOMY_IDS = [9, 4, 700]


@pytest.fixture(scope="module")
def detector():
    torch.manual_seed(0)
    head = FCOSHead(in_channels=SharedBackbone.out_channels, num_classes=3).eval()
    # A fresh head gives every location the same score, and of equal ones any thousand would be right.
    for layer in (*head.classifiers, *head.centerness, *head.regressors):
        torch.nn.init.normal_(layer.weight, std=1.5)
    return SharedBackbone().eval(), head


@pytest.fixture(scope="module")
def graphs(detector, tmp_path_factory):
    folder = tmp_path_factory.mktemp("graphs")
    backbone, head = detector
    export_backbone(backbone, folder / "backbone.onnx")
    export_head(head, TAXONOMY_IDS, folder / "head.onnx")
    return folder


@pytest.fixture(scope="module")
def canvases():
    rng = np.random.default_rng(1)
    shapes = [(1, 416, 672, 3), (1, 672, 416, 3), (3, 416, 672, 3), (1, 320, 480, 3)]
    return [rng.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]


def test_the_backbone_is_within_tolerance_on_both_canvases_and_in_batches(detector, graphs, canvases):
    largest = check_backbone(detector[0], graphs / "backbone.onnx", canvases)
    assert {name: largest[name] <= TOLERANCES[name] for name in largest} == dict.fromkeys(largest, True)


def test_the_head_is_within_tolerance_on_both_canvases_and_in_batches(detector, graphs, canvases):
    backbone, head = detector
    largest = check_head(backbone, ServedHead(head, TAXONOMY_IDS), graphs / "head.onnx", canvases)
    assert {name: largest[name] <= TOLERANCES[name] for name in largest} == dict.fromkeys(largest, True)


def test_a_graph_of_other_weights_is_refused(detector, graphs, canvases):
    backbone, head = detector
    torch.manual_seed(1)
    with pytest.raises(ParityError, match=r"backbone\.onnx: p3 differs from PyTorch by"):
        check_backbone(SharedBackbone().eval(), graphs / "backbone.onnx", canvases[:1])
    with pytest.raises(ParityError, match=r"head\.onnx"):
        check_head(backbone, ServedHead(head, [9, 4, 701]), graphs / "head.onnx", canvases[:1])


def test_the_head_names_its_classes_and_its_tensors(graphs):
    model = onnx.load(graphs / "head.onnx")
    assert json.loads({p.key: p.value for p in model.metadata_props}["class_ids"]) == TAXONOMY_IDS
    assert [i.name for i in model.graph.input] == ["p3", "p4", "p5", "p6", "p7"]
    assert [o.name for o in model.graph.output] == ["locations", "distances", "scores", "class_ids"]


def test_no_graph_names_a_path_of_the_machine_that_exported_it(graphs):
    for name in ("backbone.onnx", "head.onnx"):
        content = (graphs / name).read_bytes()
        assert b"site-packages" not in content
        assert b"/training/" not in content
