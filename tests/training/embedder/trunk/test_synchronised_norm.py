"""Over one process here; over two in `tests/training/embedder/losses/test_two_processes.py`."""

import pytest
import torch
from torch import nn

from training.embedder.trunk.synchronised_norm import SynchronisedBatchNorm2d, synchronise_batch_norms


def pair(dtype):
    torch.manual_seed(0)
    theirs = nn.BatchNorm2d(3, eps=1e-3).to(dtype)
    nn.init.normal_(theirs.weight)
    nn.init.normal_(theirs.bias)
    return SynchronisedBatchNorm2d(theirs), theirs


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["fp32", "fp64"])
def test_in_one_process_it_is_torchs_batch_norm(dtype):
    ours, theirs = pair(dtype)
    for step in range(3):
        x = (torch.randn(4, 3, 5, 6, dtype=torch.float64) * 3 + 50 * step).to(dtype)
        a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
        weights = torch.randn_like(x)
        gradients = torch.autograd.grad((ours(a) * weights).sum(), (a, ours.weight, ours.bias))
        expected = torch.autograd.grad((theirs(b) * weights).sum(), (b, theirs.weight, theirs.bias))
        tolerance = 1e-3 if dtype == torch.float32 else 1e-9
        torch.testing.assert_close(gradients, expected, rtol=tolerance, atol=tolerance)
        for name, value in theirs.state_dict().items():
            torch.testing.assert_close(ours.state_dict()[name], value, rtol=1e-4, atol=1e-4)
    ours.eval(), theirs.eval()
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-4)


def test_its_state_has_the_names_of_torchs():
    ours, theirs = pair(torch.float32)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())


def test_with_a_frozen_weight_its_statistics_stay():
    ours, _ = pair(torch.float32)
    ours.requires_grad_(False)
    x = torch.randn(2, 3, 4, 4) + 7.0
    assert torch.equal(ours(x), ours.eval()(x))
    assert torch.equal(ours.running_mean, torch.zeros(3))


def test_without_any_crop_the_statistics_stay():
    ours, _ = pair(torch.float32)
    assert ours(torch.zeros(0, 3, 4, 4)).shape == (0, 3, 4, 4)
    assert torch.equal(ours.running_mean, torch.zeros(3))
    assert ours.num_batches_tracked.item() == 0


def test_one_value_has_a_finite_gradient():
    ours, _ = pair(torch.float32)
    x = torch.ones(1, 3, 1, 1, requires_grad=True)
    (gradient,) = torch.autograd.grad(ours(x).sum(), x)
    assert gradient.isfinite().all()
    assert ours.running_var.isfinite().all()


def test_every_norm_of_a_network_is_replaced():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Sequential(nn.BatchNorm2d(4)))
    synchronise_batch_norms(network)
    assert [type(m) for m in network.modules() if "Norm" in type(m).__name__] == [SynchronisedBatchNorm2d] * 2
