"""Every loss in both kinds of numbers, against a loop."""

from typing import Any

import pytest
import torch

TOLERANCE: dict[torch.dtype, dict[str, Any]] = {
    torch.float32: {"rtol": 2e-5, "atol": 1e-6},
    torch.float64: {"rtol": 1e-10, "atol": 1e-12},
}


@pytest.fixture(params=[torch.float32, torch.float64], ids=["fp32", "fp64"])
def dtype(request):
    return request.param


@pytest.fixture
def assert_equals_loop():
    """Compare value and gradients of a loss with those of a loop over plain numbers; the loop counts in FP64."""

    def compare(loss, loop, *tensors):
        ours = [t.clone().requires_grad_() for t in tensors]
        loops = [t.double().requires_grad_() for t in tensors]
        value, expected = loss(*ours), loop(*loops)
        assert value.dtype == tensors[0].dtype
        assert value.shape == ()
        tolerance = TOLERANCE[tensors[0].dtype]
        torch.testing.assert_close(value.double(), expected, **tolerance)
        value.backward()
        expected.backward()
        for our, theirs in zip(ours, loops, strict=True):
            # Relative to the largest: rounding is the same for all parts of a gradient.
            scale = float(theirs.grad.abs().max()) or 1.0
            torch.testing.assert_close(
                our.grad.double() / scale, theirs.grad / scale, rtol=tolerance["rtol"], atol=50 * tolerance["atol"]
            )

    return compare
