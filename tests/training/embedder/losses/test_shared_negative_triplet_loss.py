import math
from typing import Any

import pytest
import torch
from pytorch_metric_learning.losses import TripletMarginLoss
from torch.nn import functional as F

from training.embedder.losses.shared_negative_triplet_loss import shared_negative_triplet_loss


def loop(queries, positives, negatives, *, margin, query_products=None, negative_products=None):
    """Pailitao, section 3.2.1: the last equation, query by query and triplet by triplet."""
    per_query = []
    for i, (q, p) in enumerate(zip(queries, positives, strict=True)):
        terms = []
        for k, n in enumerate(negatives):
            if query_products is not None and query_products[i] >= 0 and query_products[i] == negative_products[k]:
                continue
            term = distance(q, p) - distance(q, n) + margin
            if term > 0:
                terms.append(term)
        if terms:
            per_query.append(sum(terms) / len(terms))
    return sum(per_query) / len(per_query)


def distance(a, b):
    return (a / a.square().sum().sqrt() - b / b.square().sum().sqrt()).square().sum().sqrt()


def points(count, *, seed, dtype, around=1.0):
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(count, 5, generator=generator, dtype=torch.float64) + around).to(dtype)


def example(dtype):
    queries = points(6, seed=1, dtype=dtype)
    positives = F.normalize(queries + 0.8 * points(6, seed=2, dtype=dtype, around=0.0))
    return queries, positives, points(4, seed=3, dtype=dtype)


@pytest.mark.parametrize("margin", [0.1, 0.5, 0.0])
def test_it_equals_the_papers_equation(dtype, margin, assert_equals_loop):
    assert_equals_loop(
        lambda q, p, n: shared_negative_triplet_loss(q, p, n, margin=margin),
        lambda q, p, n: loop(q, p, n, margin=margin),
        *example(dtype),
    )


def test_the_example_has_queries_with_none_some_and_all_triplets_above_0():
    queries, positives, negatives = example(torch.float64)
    violations = (queries - positives).norm(dim=1)[:, None] - torch.cdist(queries, negatives) + 0.1
    counts = set((violations > 0).sum(dim=1).tolist())
    assert {0, 4} < counts


def test_features_of_any_length_are_compared_by_direction(dtype, assert_equals_loop):
    queries, positives, negatives = example(dtype)
    assert_equals_loop(
        shared_negative_triplet_loss,
        lambda q, p, n: loop(q, p, n, margin=0.1),
        3.0 * queries,
        0.5 * positives,
        7.0 * negatives,
    )


def test_a_negative_of_the_same_product_is_no_negative(dtype, assert_equals_loop):
    products: dict[str, Any] = {
        "query_products": torch.tensor([1, 2, 3, 1, -1, 2]),
        "negative_products": torch.tensor([1, 2, -1, 9]),
    }
    assert_equals_loop(
        lambda q, p, n: shared_negative_triplet_loss(q, p, n, **products),
        lambda q, p, n: loop(q, p, n, margin=0.1, **products),
        *example(dtype),
    )


def test_gradients_are_those_of_finite_differences():
    tensors = [t.requires_grad_() for t in example(torch.float64)]
    assert torch.autograd.gradcheck(shared_negative_triplet_loss, tensors)


def test_pytorch_metric_learning_averages_over_triplets_instead(dtype):
    """Equal for one query, where both averages are one."""
    queries, positives, negatives = example(dtype)
    hardest = 3
    rows = torch.cat([queries[hardest : hardest + 1], positives[hardest : hardest + 1], negatives])
    triplets = (torch.tensor([0] * 4), torch.tensor([1] * 4), torch.tensor([2, 3, 4, 5]))
    theirs = TripletMarginLoss(margin=0.9)(rows, indices_tuple=triplets)
    ours = shared_negative_triplet_loss(rows[:1], rows[1:2], negatives, margin=0.9)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_query_with_many_violations_counts_no_more_than_one_with_one(dtype):
    q = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=dtype)
    p = q.clone()
    # Three of them violate the first query by 0.1; one, at a distance of 0.05, the second by 0.05.
    angle = 2 * math.asin(0.05 / 2)
    negatives = torch.tensor([[1.0, 0.0, 0.0]] * 3 + [[0.0, math.cos(angle), math.sin(angle)]], dtype=dtype)
    loss = shared_negative_triplet_loss(q, p, negatives)
    assert float(loss) == pytest.approx((0.1 + 0.05) / 2, rel=1e-4)  # over triplets it would be (3 * 0.1 + 0.05) / 4


def test_features_at_one_point_have_a_finite_gradient(dtype):
    tensors = [torch.ones(2, 5, dtype=dtype, requires_grad=True) for _ in range(3)]
    loss = shared_negative_triplet_loss(*tensors)
    gradients = torch.autograd.grad(loss, tensors)
    assert loss.item() == pytest.approx(0.1, rel=1e-5)
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize(("queries", "negatives"), [(0, 3), (2, 0), (0, 0), (2, 3)])
def test_without_a_violation_the_loss_is_0_and_so_is_its_gradient(queries, negatives, dtype):
    q, p = (torch.eye(5, dtype=dtype)[:queries].clone().requires_grad_() for _ in range(2))
    n = (-torch.ones(negatives, 5, dtype=dtype)).requires_grad_()
    loss = shared_negative_triplet_loss(q, p, n)
    assert loss.item() == 0.0
    assert all(gradient.count_nonzero() == 0 for gradient in torch.autograd.grad(loss, (q, p, n)))


def test_products_of_one_side_alone_are_refused():
    with pytest.raises(ValueError, match="must be given together"):
        shared_negative_triplet_loss(*example(torch.float32), query_products=torch.arange(6))
