import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from training.embedder.hashing.pack_bits import pack_bits


@pytest.mark.parametrize("shape", [(5, 256), (1, 8), (0, 256), (2, 3, 16), (32,)])
def test_bytes_are_those_of_numpy_packbits(shape):
    codes = torch.randn(shape, generator=torch.Generator().manual_seed(1))

    packed = pack_bits(codes)

    assert packed.dtype == torch.uint8
    np.testing.assert_array_equal(packed.numpy(), np.packbits(codes.numpy() > 0, axis=-1))


def test_the_first_code_is_the_most_significant_bit_and_zero_and_nan_are_no_bits():
    codes = torch.tensor([[1.0, 0.0, -0.0, -1.0, float("nan"), float("inf"), 1e-40, -1e-40]])

    assert pack_bits(codes).tolist() == [[0b10000110]]


def test_a_number_of_bits_that_fills_no_bytes_is_refused():
    with pytest.raises(ValueError, match="multiple of 8, got 12"):
        pack_bits(torch.zeros(2, 12))


def test_the_exported_graph_packs_the_same_bytes(tmp_path):
    class Packing(nn.Module):
        def forward(self, codes: torch.Tensor) -> torch.Tensor:
            return pack_bits(codes)

    path = tmp_path / "pack.onnx"
    batch = torch.export.Dim("batch")
    torch.onnx.export(
        Packing().eval(),
        (torch.zeros(2, 256),),
        path,
        dynamo=True,
        input_names=["codes"],
        dynamic_shapes=({0: batch},),
        verbose=False,
    )
    codes = np.random.default_rng(2).standard_normal((7, 256)).astype(np.float32)

    (packed,) = onnxruntime.InferenceSession(path).run(None, {"codes": codes})

    np.testing.assert_array_equal(packed, np.packbits(codes > 0, axis=1))
