import math

import pytest
import torch
from pytorch_metric_learning.losses import SupConLoss
from torch.nn import functional as F

from training.embedder.losses.supervised_contrastive_loss import supervised_contrastive_loss

PRODUCTS = torch.tensor([4, 7, 4, -1, 7, 4, 900])


def loop(embeddings, product_ids, *, temperature):
    """Khosla et al. 2020, equation 2, crop by crop; a mean over those that have another of their product."""
    with_product = [k for k, product in enumerate(product_ids.tolist()) if product >= 0]
    of_anchors = []
    for i in with_product:
        exponentials = {a: torch.exp(embeddings[i] @ embeddings[a] / temperature) for a in with_product if a != i}
        positives = [p for p in exponentials if product_ids[p] == product_ids[i]]
        if positives:
            total = sum(exponentials.values())
            of_anchors.append(-sum(torch.log(exponentials[p] / total) for p in positives) / len(positives))
    return sum(of_anchors) / len(of_anchors)


def crops(dtype, count=7, dims=5):
    x = torch.randn(count, dims, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return F.normalize(x).to(dtype)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_it_equals_the_papers_equation(dtype, temperature, assert_equals_loop):
    assert_equals_loop(
        lambda x: supervised_contrastive_loss(x, PRODUCTS, torch.arange(7), temperature=temperature),
        lambda x: loop(x, PRODUCTS, temperature=temperature),
        crops(dtype),
    )


def test_it_equals_the_librarys_in_one_process(dtype):
    x, products = crops(dtype), torch.tensor([1, 2, 1, 3, 3, 2, 1])
    expected = SupConLoss(temperature=0.2)(x, products)
    ours = supervised_contrastive_loss(x, products, torch.arange(7), temperature=0.2)
    torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("products", [[], [5], [5, 6], [-1, -1], [5, -1]])
def test_without_a_pair_it_is_zero_with_gradients_of_zero(dtype, products):
    x = crops(dtype, count=len(products)).requires_grad_()
    loss = supervised_contrastive_loss(x, torch.tensor(products, dtype=torch.int64), torch.arange(len(products)))
    assert loss == 0
    loss.backward()
    assert (x.grad == 0).all()


def test_two_equal_crops_alone_in_a_batch_cost_nothing(dtype):
    x = crops(dtype, count=1).repeat(2, 1).requires_grad_()
    loss = supervised_contrastive_loss(x, torch.tensor([3, 3]), torch.arange(2))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.0, abs=1e-6)
    assert torch.isfinite(x.grad).all()


def test_a_crop_of_another_product_as_near_as_the_right_one_costs_log_two(dtype):
    x = crops(dtype, count=1).repeat(3, 1)
    loss = supervised_contrastive_loss(x, torch.tensor([3, 3, 8]), torch.arange(3))
    assert float(loss) == pytest.approx(math.log(2), rel=1e-4)
