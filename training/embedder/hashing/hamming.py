"""How many bits two hashes differ in."""

import numpy as np
import numpy.typing as npt

from training.embedder.hashing.errors import HashingError

Hashes = npt.NDArray[np.uint8]


def hamming_distances(queries: Hashes, gallery: Hashes) -> npt.NDArray[np.int32]:
    """Return the number of differing bits of every pair.

    With bits b as -1 and +1, b_q . b_g = bits - 2 * distance: one matrix product, exact in FP32 up to 2^24 bits, which
    is many times faster than counting bits pair by pair.

    Args:
        queries: UINT8 [Q, bytes]
        gallery: UINT8 [G, bytes]

    Returns:
        INT32 [Q, G], 0 to 8 * bytes

    Raises:
        HashingError: the two are no hashes of the same length.
    """
    for name, hashes in (("queries", queries), ("gallery", gallery)):
        if hashes.dtype != np.uint8 or hashes.ndim != 2:
            raise HashingError(f"{name} must be UINT8 [N, bytes], got {hashes.dtype} {list(hashes.shape)}")
    if queries.shape[1] != gallery.shape[1]:
        raise HashingError(
            f"hashes of {queries.shape[1]} bytes cannot be compared with hashes of {gallery.shape[1]}: "
            "both must come from one hasher"
        )
    bits = 8 * queries.shape[1]
    return ((bits - signs(queries) @ signs(gallery).T) / 2).astype(np.int32)


def signs(hashes: Hashes) -> npt.NDArray[np.float32]:
    """Return the bits of hashes UINT8 [N, bytes] as FP32 [N, 8 * bytes] of -1 and +1."""
    return np.unpackbits(hashes, axis=1).astype(np.float32) * 2 - 1
