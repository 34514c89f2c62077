import pytest
import torch

from training.embedder.trunk.average_pooling import AveragePooling
from training.embedder.trunk.gem_pooling import GeMPooling

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


@pytest.fixture(params=[torch.float32, torch.float64], ids=["fp32", "fp64"])
def dtype(request):
    return request.param


def features(dtype, scale=1.0):
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (scale * x.relu()).to(dtype)


def loop(x, power):
    """(1/|X| * sum of x^p)^(1/p), map by map and cell by cell."""
    rows = []
    for crop in x:
        row = []
        for channel in crop:
            cells = [torch.clamp(cell, min=1e-6) ** power for cell in channel.flatten()]
            row.append((sum(cells) / len(cells)) ** (1 / power))
        rows.append(torch.stack(row))
    return torch.stack(rows)


def _gradient(tensor: torch.Tensor) -> torch.Tensor:
    assert tensor.grad is not None
    return tensor.grad.double()


@pytest.mark.parametrize("power", [1.0, 2.5, 3.0, 7.0])
def test_it_equals_the_papers_definition(dtype, power):
    pooling = GeMPooling(power=power).to(dtype)
    x, reference = features(dtype).requires_grad_(), features(torch.float64).requires_grad_()
    p = torch.tensor(power, dtype=torch.float64, requires_grad=True)
    ours, expected = pooling(x), loop(reference, p)
    torch.testing.assert_close(ours.double(), expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    weights = torch.arange(6.0, dtype=torch.float64).view(2, 3)
    (ours * weights.to(dtype)).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(_gradient(x), _gradient(reference), rtol=1e2 * TOLERANCE[dtype], atol=TOLERANCE[dtype])
    torch.testing.assert_close(
        _gradient(pooling.power), _gradient(p), rtol=1e2 * TOLERANCE[dtype], atol=TOLERANCE[dtype]
    )


def test_gradients_are_those_of_finite_differences():
    pooling = GeMPooling().double()
    x = (features(torch.float64) + 0.1).requires_grad_()

    def pooled(x, power):
        return torch.func.functional_call(pooling, {"power": power}, (x,))

    assert torch.autograd.gradcheck(pooled, (x, torch.tensor(2.2, dtype=torch.float64, requires_grad=True)))


def test_power_1_is_the_average(dtype):
    x = features(dtype)
    torch.testing.assert_close(GeMPooling(power=1.0).to(dtype)(x), AveragePooling()(x), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_a_large_power_comes_near_the_maximum(dtype, scale):
    x = features(dtype, scale)
    pooled = GeMPooling(power=100.0).to(dtype)(x)
    torch.testing.assert_close(pooled, x.amax(dim=(2, 3)), rtol=0.04, atol=0.0)  # 20 cells: 20^(1/100) is 1.03


def test_it_starts_at_3_and_learns_its_power(dtype):
    pooling = GeMPooling().to(dtype)
    assert pooling.power.item() == 3.0
    target = features(dtype).amax(dim=(2, 3))
    optimizer = torch.optim.SGD(pooling.parameters(), lr=2.0)
    for _ in range(30):
        optimizer.zero_grad()
        (pooling(features(dtype)) - target).square().mean().backward()
        optimizer.step()
    assert pooling.power.item() > 6.0


def test_a_power_beyond_its_bounds_counts_as_the_bound_and_comes_back(dtype):
    pooling = GeMPooling().to(dtype)
    x = features(dtype)
    with torch.no_grad():
        pooling.power.fill_(0.2)
    torch.testing.assert_close(pooling(x), GeMPooling(power=1.0).to(dtype)(x))
    (-pooling(x)).sum().backward()
    assert _gradient(pooling.power) < 0  # a larger power gives larger features


@pytest.mark.parametrize("value", [0.0, -5.0, 1e-30, 1e30])
@pytest.mark.parametrize("power", [1.0, 3.0, 100.0])
def test_extreme_features_have_finite_values_and_gradients(dtype, value, power):
    x = torch.full((1, 2, 3, 3), value, dtype=dtype, requires_grad=True)
    pooling = GeMPooling(power=power).to(dtype)
    pooled = pooling(x)
    pooled.sum().backward()
    assert pooled.isfinite().all()
    assert _gradient(x).isfinite().all()
    assert _gradient(pooling.power).isfinite()


def test_one_cell_is_its_own_pooling(dtype):
    x = torch.tensor([[0.5, 2.0]], dtype=dtype)
    torch.testing.assert_close(GeMPooling().to(dtype)(x[:, :, None, None]), x)


def test_no_crops_give_no_features(dtype):
    assert GeMPooling().to(dtype)(torch.zeros(0, 3, 2, 2, dtype=dtype)).shape == (0, 3)


def test_a_power_out_of_bounds_is_refused():
    with pytest.raises(ValueError, match=r"power must be in \[1, 100\], got 0.5"):
        GeMPooling(power=0.5)
