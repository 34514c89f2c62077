"""256 bits in 32 bytes, in torch, so that packing happens inside the exported graph."""

import torch
from torch import Tensor

BITS_PER_BYTE = 8


def pack_bits(codes: Tensor) -> Tensor:
    """Pack the signs of codes into bytes, in the order of `numpy.packbits`.

    A bit is set where the code is above 0; the first code is the most significant bit of the first byte. The sums are
    of powers of two below 256, which FP32 holds exactly, so that every runtime gives the same bytes.

    Args:
        codes: floating point [..., bits]; NaN counts as not above 0.

    Returns:
        UINT8 [..., bits / 8]

    Raises:
        ValueError: bits is no multiple of 8.
    """
    bits = codes.shape[-1]
    if bits % BITS_PER_BYTE:
        raise ValueError(f"the number of bits must be a multiple of {BITS_PER_BYTE}, got {bits}")
    value_of_bit = torch.tensor([128.0, 64.0, 32.0, 16.0, 8.0, 4.0, 2.0, 1.0], device=codes.device)
    is_set = (codes > 0).to(torch.float32).reshape(*codes.shape[:-1], bits // BITS_PER_BYTE, BITS_PER_BYTE)
    packed: Tensor = (is_set * value_of_bit).sum(dim=-1).to(torch.uint8)
    return packed
