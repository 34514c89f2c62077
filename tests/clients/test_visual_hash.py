import dataclasses
import pickle

import numpy as np
import pytest

from genod_client import EmbedderMismatchError, GenODError, InvalidInputError, VisualHash


def hash_of(first=0, version="v1"):
    return VisualHash(bytes([first]) + bytes(31), version)


def test_the_distance_is_the_number_of_differing_bits_as_counted_one_by_one():
    rng = np.random.default_rng(5)
    one, other = (VisualHash(rng.bytes(32), "v1") for _ in range(2))
    expected = sum(
        (one.data[bit // 8] >> (7 - bit % 8)) & 1 != (other.data[bit // 8] >> (7 - bit % 8)) & 1 for bit in range(256)
    )
    assert one.hamming_distance(other) == other.hamming_distance(one) == expected
    assert one.hamming_distance(one) == 0
    assert VisualHash(bytes(32), "v1").hamming_distance(VisualHash(b"\xff" * 32, "v1")) == 256


def test_the_hexadecimal_form_goes_both_ways():
    found = hash_of(0xAB)
    assert found.hex() == str(found) == "ab" + "00" * 31
    assert bytes(found) == found.data
    assert VisualHash.from_hex(found.hex(), embedder_version="v1") == found


def test_hashes_of_two_embedders_are_never_compared():
    one, other = hash_of(version="v1"), hash_of(version="v2")
    with pytest.raises(EmbedderMismatchError, match="Embedder 'v1' made the one and 'v2' the other") as caught:
        one.hamming_distance(other)
    assert isinstance(caught.value, GenODError)
    assert one != other  # the same bits, which mean something else


@pytest.mark.parametrize("data", [b"", bytes(31), bytes(33), "0" * 32, bytearray(32), None])
def test_anything_but_32_bytes_is_no_hash(data):
    with pytest.raises(InvalidInputError, match="bytes of length 32"):
        VisualHash(data, "v1")


@pytest.mark.parametrize("text", ["", "ab", "zz" * 32, "ab" * 33, None])
def test_anything_but_64_digits_is_no_hexadecimal_form(text):
    with pytest.raises(InvalidInputError, match="64 digits"):
        VisualHash.from_hex(text, embedder_version="v1")


def test_a_hash_is_frozen_hashable_and_can_be_pickled():
    found = hash_of(3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.data = bytes(32)
    assert len({found, hash_of(3), hash_of(4), hash_of(3, "v2")}) == 3
    assert pickle.loads(pickle.dumps(found)) == found
