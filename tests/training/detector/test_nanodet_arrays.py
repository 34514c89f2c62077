"""The published arrays in our modules give the published outputs."""

import numpy as np
import pytest
import torch

from training.detector.backbone import SharedBackbone
from training.detector.fcos_head import FCOSHead
from training.detector.nanodet_arrays import NanoDetArrays, load_backbone, load_head


@pytest.mark.parametrize("side_px", [128, 416])
def test_backbone_and_head_reproduce_the_reference_outputs(genod_data, side_px):
    folder = genod_data / "teachers/nanodet_plus_m15_416"
    arrays = NanoDetArrays(folder)
    backbone = SharedBackbone().eval()
    head = FCOSHead(in_channels=SharedBackbone.out_channels, num_classes=80).eval()
    load_backbone(backbone, arrays)
    load_head(head, arrays, classifier=True)
    reference = np.load(folder / "reference.npz")
    bgr = reference[f"input_{side_px}_bgr_u8"]
    pixels = torch.from_numpy(np.ascontiguousarray(bgr[None, :, :, ::-1]))

    with torch.no_grad():
        features = backbone(pixels)
        outputs = head(features)

    expected_scores = reference[f"cls_{side_px}"]
    known = len(expected_scores)  # P3..P6; P7 is ours
    np.testing.assert_allclose(outputs.class_logits[0, :known].sigmoid().numpy(), expected_scores, atol=5e-6)
    ours = outputs.distance_logits[0, :known].flatten(1).numpy()
    np.testing.assert_allclose(ours, reference[f"dis_{side_px}"], atol=2e-4)


def test_a_folder_without_arrays_says_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"layers\.json, weights\.npz"):
        NanoDetArrays(tmp_path)
