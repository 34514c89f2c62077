import numpy as np
import pytest

from training.embedder.hashing.errors import HashingError
from training.embedder.hashing.hamming import hamming_distances, signs


def test_distances_are_the_numbers_of_bits_that_differ():
    random = np.random.default_rng(0)
    queries = random.integers(0, 256, (6, 32), dtype=np.uint8)
    gallery = np.vstack([random.integers(0, 256, (9, 32), dtype=np.uint8), queries[:2], ~queries[:1]])

    distances = hamming_distances(queries, gallery)

    expected = [[sum(int(a ^ b).bit_count() for a, b in zip(q, g, strict=True)) for g in gallery] for q in queries]
    assert distances.dtype == np.int32
    assert distances.tolist() == expected
    assert distances[0, 9] == 0
    assert distances[0, 11] == 256


def test_an_empty_gallery_has_no_distances():
    assert hamming_distances(np.zeros((3, 32), np.uint8), np.zeros((0, 32), np.uint8)).shape == (3, 0)


def test_signs_are_in_the_order_of_packbits():
    bits = np.random.default_rng(1).random((4, 64)) > 0.5

    np.testing.assert_array_equal(signs(np.packbits(bits, axis=1)), np.where(bits, 1, -1))


def test_hashes_of_other_lengths_or_types_are_refused():
    hashes = np.zeros((2, 32), np.uint8)
    with pytest.raises(HashingError, match="32 bytes cannot be compared with hashes of 16"):
        hamming_distances(hashes, np.zeros((2, 16), np.uint8))
    with pytest.raises(HashingError, match="must be UINT8"):
        hamming_distances(hashes.astype(np.float32), hashes)
