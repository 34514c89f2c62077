from typing import Any

import pytest
import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import ContrastiveLoss
from pytorch_metric_learning.reducers import DoNothingReducer
from torch.nn import functional as F

from training.embedder.losses.pairwise_double_margin_loss import pairwise_double_margin_loss

PRODUCTS = torch.tensor([4, 7, 4, -1, 7, 4, 900])


def loop(embeddings, product_ids, *, power, positive_margins, negative_margins, negative_weight):
    """GrokNet, section 3.3.3, pair by pair; i = j is a positive pair, so that N_p + N_n = B^2."""
    (p1, p2), (n1, n2) = positive_margins, negative_margins
    with_product = [k for k, product in enumerate(product_ids.tolist()) if product >= 0]
    positives, negatives = [], []
    for i in with_product:
        for j in with_product:
            distance = (embeddings[i] - embeddings[j]).square().sum()
            if product_ids[i] == product_ids[j]:
                positives.append(torch.clamp(distance - p1, 0, p2 - p1) ** power)
            else:
                negatives.append(torch.clamp(n2 - distance, 0, n2 - n1) ** power)
    assert len(positives) + len(negatives) == len(with_product) ** 2
    return sum(positives) / (len(positives) * power) + negative_weight * sum(negatives) / (len(negatives) * power)


def crops(dtype, count=7, dims=5, seed=3):
    # Near each other, so that pairs of both kinds lie on both sides of all margins.
    x = torch.randn(count, dims, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return F.normalize(x + 1.5).to(dtype)


PAPER: dict[str, Any] = {
    "power": 1.5,
    "positive_margins": (0.1, 0.7),
    "negative_margins": (0.0, 0.7),
    "negative_weight": 10_000.0,
}


@pytest.mark.parametrize(
    "options",
    [
        PAPER,
        PAPER | {"power": 1.0, "negative_weight": 1.0},
        PAPER | {"power": 3.0, "positive_margins": (0.0, 0.2), "negative_margins": (0.15, 0.3), "negative_weight": 7.0},
    ],
    ids=["the paper's values", "power 1", "other margins"],
)
def test_it_equals_the_papers_equation(dtype, options, assert_equals_loop):
    assert_equals_loop(
        lambda x: pairwise_double_margin_loss(x, PRODUCTS, **options),
        lambda x: loop(x, PRODUCTS, **options),
        crops(dtype),
    )


def test_the_example_reaches_every_branch_of_the_equation():
    x = crops(torch.float64)
    distances = torch.cdist(x, x).square()
    of_product = (PRODUCTS >= 0)[:, None] & (PRODUCTS >= 0)
    is_same = (PRODUCTS[:, None] == PRODUCTS) & of_product & ~torch.eye(7).bool()
    is_other = (PRODUCTS[:, None] != PRODUCTS) & of_product
    assert (distances[is_same] < 0.2).any()
    assert (distances[is_same] > 0.2).any()
    assert (distances[is_other] < 0.15).any()
    assert ((distances[is_other] > 0.15) & (distances[is_other] < 0.3)).any()
    assert (distances[is_other] > 0.7).any()


def test_the_defaults_are_the_papers():
    x = crops(torch.float64)
    assert torch.equal(pairwise_double_margin_loss(x, PRODUCTS), pairwise_double_margin_loss(x, PRODUCTS, **PAPER))


def test_gradients_are_those_of_finite_differences():
    x = crops(torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: pairwise_double_margin_loss(x, PRODUCTS, negative_weight=3.0), x)


def test_it_is_pytorch_metric_learnings_contrastive_loss_where_that_has_a_counterpart(dtype):
    """Power 1 and no outer margin within reach; both as sums over pairs."""
    x = crops(dtype)[PRODUCTS >= 0]
    products = PRODUCTS[PRODUCTS >= 0]
    theirs = ContrastiveLoss(
        pos_margin=0.1,
        neg_margin=0.7,
        distance=LpDistance(power=2, normalize_embeddings=False),
        reducer=DoNothingReducer(),
    )(x, products)
    ours = pairwise_double_margin_loss(
        x, products, power=1.0, positive_margins=(0.1, 9.0), negative_margins=(0.0, 0.7), negative_weight=1.0
    )
    num_positives = int((products[:, None] == products).sum())
    expected = theirs["pos_loss"]["losses"].sum() / num_positives
    expected += theirs["neg_loss"]["losses"].sum() / (len(x) ** 2 - num_positives)
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-6)


def test_a_pair_of_outliers_pulls_at_nothing(dtype):
    x = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=dtype, requires_grad=True)
    (gradient,) = torch.autograd.grad(pairwise_double_margin_loss(x, torch.tensor([1, 1])), x)
    assert gradient.count_nonzero() == 0


def test_equal_crops_have_a_finite_gradient(dtype):
    x = F.normalize(torch.ones(4, 3, dtype=dtype)).requires_grad_()
    loss = pairwise_double_margin_loss(x, torch.tensor([1, 1, 2, 2]))
    (gradient,) = torch.autograd.grad(loss, x)
    assert torch.isfinite(loss)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("products", [[], [5], [-1, -1], [-1, 3, -1]], ids=["no crop", "one", "no product", "one of 3"])
def test_without_a_pair_the_loss_is_0_and_so_is_its_gradient(products, dtype):
    x = crops(dtype)[: len(products)].clone().requires_grad_()
    loss = pairwise_double_margin_loss(x, torch.tensor(products, dtype=torch.int64))
    (gradient,) = torch.autograd.grad(loss, x)
    assert loss.item() == 0.0
    assert gradient.count_nonzero() == 0


def test_without_a_negative_pair_the_positive_ones_still_count(dtype):
    x = crops(dtype)[:3]
    loss = pairwise_double_margin_loss(x, torch.tensor([2, 2, 2]), power=1.0)
    distances = torch.cdist(x.double(), x.double()).square()
    expected = (distances - 0.1).clamp(0, 0.6).sum() / 9
    torch.testing.assert_close(loss.double(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"power": 0.5}, "power must be 1 or more"),
        ({"positive_margins": (0.7, 0.1)}, "positive_margins must be .low, high. with 0 <= low < high, got .0.7, 0.1."),
        ({"negative_margins": (-0.1, 0.7)}, "negative_margins must be"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        pairwise_double_margin_loss(torch.ones(2, 2), torch.tensor([0, 1]), **options)


def test_products_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"product_ids must be \[N\] = \[2\], got \[3\]"):
        pairwise_double_margin_loss(torch.ones(2, 2), torch.tensor([0, 1, 2]))
