import numpy as np
import pytest
import torch
from torch import nn

from training.detector.fold_norms import fold_batch_norms
from training.embedder.errors import TrunkError
from training.embedder.trunk.mobilenet_v1 import ARRAYS, MobileNetV1, load_mobilenet_v1


@pytest.fixture(scope="module")
def backbone(genod_data):
    folder = genod_data / "backbone"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    return folder


@pytest.fixture(scope="module")
def reference(backbone):
    with np.load(backbone / "reference_io.npz") as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


@pytest.mark.parametrize("norms", ["as published", "folded"])
def test_the_published_weights_give_the_published_outputs(backbone, reference, norms):
    trunk = MobileNetV1()
    weight, bias = load_mobilenet_v1(trunk, backbone)
    if norms == "folded":
        fold_batch_norms(trunk)
        assert not any(isinstance(module, nn.BatchNorm2d) for module in trunk.modules())
    trunk.eval()
    with torch.inference_mode():
        features = trunk(reference["images_u8"].permute(0, 3, 1, 2).float())
    pooled = features.mean(dim=(2, 3))
    assert features.shape == (4, 768, 7, 7)
    torch.testing.assert_close(pooled, reference["pooled_features"], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(pooled @ weight.T + bias, reference["logits"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [32, 64, 96])
def test_a_crops_features_do_not_depend_on_the_batch(size):
    torch.manual_seed(0)
    trunk = MobileNetV1().eval()
    crops = torch.rand(3, 3, size, size) * 255
    with torch.inference_mode():
        together, alone = trunk(crops), torch.cat([trunk(crop[None]) for crop in crops])
    assert together.shape == (3, 768, size // 32, size // 32)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("size", "stride"), [(8, 2), (7, 2), (8, 1), (7, 1), (1, 2)])
def test_borders_are_tensorflows(size, stride):
    """SAME: ceil(size / stride) outputs, and of an odd number of border cells the larger part behind."""
    conv = MobileNetV1().conv1
    conv._stride = stride
    before, after = conv._border(size)
    outputs = (size + before + after - 3) // stride + 1
    assert outputs == -(-size // stride)
    assert after - before in (0, 1)


def test_random_weights_keep_the_signal_alive():
    torch.manual_seed(0)
    trunk = MobileNetV1()
    fold_batch_norms(trunk)
    features = trunk(torch.rand(2, 3, 64, 64) * 255)
    features.sum().backward()
    assert 1e-2 < float(features.detach().mean()) < 6.0
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in trunk.parameters())


def test_missing_arrays_are_named(tmp_path):
    with pytest.raises(TrunkError, match=f"no .*{ARRAYS}: set GENOD_DATA"):
        load_mobilenet_v1(MobileNetV1(), tmp_path)


@pytest.mark.parametrize(
    "arrays", [{"conv1/kernel": np.zeros((3, 3, 3, 24), np.float32)}, {"conv1/kernel": np.zeros((1, 1), np.float32)}]
)
def test_arrays_of_something_else_are_refused(tmp_path, arrays):
    np.savez(tmp_path / ARRAYS, **arrays)
    with pytest.raises(TrunkError, match=r"does not hold MobileNet v1 0.75 by Keras' layer names"):
        load_mobilenet_v1(MobileNetV1(), tmp_path)


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / ARRAYS).write_bytes(b"no archive")
    with pytest.raises(TrunkError, match=r"does not hold MobileNet v1 0.75"):
        load_mobilenet_v1(MobileNetV1(), tmp_path)


def test_its_parts_are_one_convolution_and_13_pairs():
    trunk = MobileNetV1()
    parts = trunk.parts_in_order()
    assert len(parts) == 14
    assert sum(p.numel() for part in parts for p in part.parameters()) == sum(p.numel() for p in trunk.parameters())
