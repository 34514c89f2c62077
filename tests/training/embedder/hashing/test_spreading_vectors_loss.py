import math

import pytest
import torch
from torch.nn import functional

from training.embedder.hashing.spreading_vectors_loss import koleo_loss, rank_loss, spreading_vectors_loss

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


def vectors(dtype, seed=0):
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(3, 11, 6, generator=generator, dtype=torch.float64)
    return functional.normalize(drawn, dim=2).to(dtype)


def slow_distance(a, b):
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def slow_losses(anchors, positives, negatives, entropy_weight):
    count = len(anchors)
    rank = sum(
        max(0.0, slow_distance(a, p) - slow_distance(a, n))
        for a, p, n in zip(anchors, positives, negatives, strict=True)
    )
    koleo = 0.0
    for i in range(count):
        nearest = min(slow_distance(anchors[i], anchors[j]) for j in range(count) if j != i)
        koleo -= math.log(nearest)
    return rank / count, koleo / count, rank / count + entropy_weight * koleo / count


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_loss_equals_a_slow_loop_over_the_papers_equations(dtype):
    anchors, positives, negatives = vectors(dtype)

    loss = spreading_vectors_loss(anchors, positives, negatives, entropy_weight=0.05)

    expected = slow_losses(anchors.tolist(), positives.tolist(), negatives.tolist(), 0.05)
    found = [float(part) for part in (loss.rank, loss.koleo, loss.total)]
    assert found == pytest.approx(expected, abs=TOLERANCE[dtype])


def test_what_is_spread_may_be_others_than_the_anchors():
    anchors, positives, negatives = vectors(torch.float64)
    codes = vectors(torch.float64, seed=5)[0]

    loss = spreading_vectors_loss(anchors, positives, negatives, entropy_weight=0.05, spread=codes)

    rank, koleo = rank_loss(anchors, positives, negatives), koleo_loss(codes)
    assert float(loss.total) == pytest.approx(float(rank + 0.05 * koleo))


def test_gradients_are_those_of_finite_differences():
    inputs = [part.clone().requires_grad_() for part in vectors(torch.float64, seed=3)]

    assert torch.autograd.gradcheck(lambda a, p, n: spreading_vectors_loss(a, p, n, entropy_weight=0.3).total, inputs)


def test_vectors_that_are_equal_give_a_finite_loss_and_finite_gradients():
    equal = functional.normalize(torch.ones(4, 5), dim=1).requires_grad_()

    loss = spreading_vectors_loss(equal, equal, equal, entropy_weight=1.0).total
    loss.backward()

    assert torch.isfinite(loss)
    assert equal.grad is not None
    assert torch.isfinite(equal.grad).all()


def test_spreading_vectors_lowers_the_entropy_term():
    crowded = functional.normalize(torch.ones(8, 8) + 0.1 * torch.eye(8), dim=1)

    assert koleo_loss(torch.eye(8)) < koleo_loss(crowded)


def test_a_triplet_in_order_costs_nothing():
    anchors, near, far = torch.eye(3)[:1], torch.eye(3)[:1], torch.eye(3)[1:2]

    assert float(rank_loss(anchors, near, far)) == 0
    assert float(rank_loss(anchors, far, near)) == pytest.approx(math.sqrt(2))
