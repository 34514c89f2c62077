import pytest

from ensembles.tensors import TensorSpec, dims_within, shapes_agree, size_bytes


def _spec(*dims: int, batched: bool = True) -> TensorSpec:
    return TensorSpec("FP32", dims, batched)


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (_spec(3, 4), _spec(3, 4), True),
        (_spec(3, -1), _spec(-1, 4), True),
        (_spec(3, 4), _spec(3, 5), False),
        (_spec(3), _spec(3, 1), False),
        (_spec(3), _spec(-1, 3, batched=False), True),
        (_spec(3), _spec(2, 3, batched=False), True),  # Triton leaves the batch to run time
        (_spec(3), _spec(2, 4, batched=False), False),
    ],
)
def test_shapes_agree_as_triton_compares_them(one: TensorSpec, other: TensorSpec, agree: bool) -> None:
    assert shapes_agree(one, other) is agree
    assert shapes_agree(other, one) is agree


def test_dims_follow_the_batching_of_the_ensemble() -> None:
    assert dims_within(_spec(3), batched=True) == (3,)
    assert dims_within(_spec(3), batched=False) == (-1, 3)
    assert dims_within(_spec(-1, 3, batched=False), batched=True) == (3,)
    assert dims_within(_spec(-1, 3, batched=False), batched=False) == (-1, 3)
    assert dims_within(_spec(2, 3, batched=False), batched=True) == (2, 3), "impossible: left to the shape check"


def test_size_is_known_only_for_fixed_types_and_dims() -> None:
    assert size_bytes("FP32", [300, 4]) == 4800
    assert size_bytes("BOOL", [300]) == 300
    assert size_bytes("FP32", [3, -1]) is None
    assert size_bytes("STRING", [1]) is None
