import math

import pytest
import torch
from torch.nn import functional as F

from training.embedder.losses.multi_label_softmax_loss import multi_label_softmax_loss

IS_LABEL = torch.tensor([[1, 0, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1]]).bool()


def loop(logits, is_label):
    """GrokNet, section 3.3.1: each of k positive targets is 1/k."""
    per_crop = []
    for row, labels in zip(logits, is_label.tolist(), strict=True):
        k = sum(labels)
        if k == 0:
            continue
        denominator = sum(torch.exp(logit) for logit in row)
        terms = [torch.log(torch.exp(row[j]) / denominator) / k for j, yes in enumerate(labels) if yes]
        per_crop.append(-sum(terms))
    return sum(per_crop) / len(per_crop)


def logits(dtype):
    return torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def test_it_equals_the_papers_definition(dtype, assert_equals_loop):
    assert_equals_loop(
        lambda x: multi_label_softmax_loss(x, IS_LABEL), lambda x: loop(x, IS_LABEL), 3.0 * logits(dtype)
    )


def test_gradients_are_those_of_finite_differences():
    x = logits(torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: multi_label_softmax_loss(x, IS_LABEL), x)


def test_one_label_a_crop_is_the_usual_cross_entropy(dtype):
    labels = torch.tensor([3, 0, 0, 2, 1])
    ours = multi_label_softmax_loss(logits(dtype), torch.eye(4).bool()[labels])
    torch.testing.assert_close(ours, F.cross_entropy(logits(dtype), labels))


def test_it_is_least_where_the_softmax_is_uniform_over_the_labels():
    x = torch.tensor([[0.0, 20.0, 20.0, 20.0]])
    assert float(multi_label_softmax_loss(x, IS_LABEL[1:2])) == pytest.approx(math.log(3.0), rel=1e-4)


@pytest.mark.parametrize(("crops", "labels"), [(3, 4), (0, 4), (3, 0), (0, 0)])
def test_without_any_label_the_loss_is_0_and_so_is_its_gradient(crops, labels, dtype):
    x = torch.ones(crops, labels, dtype=dtype, requires_grad=True)
    loss = multi_label_softmax_loss(x, torch.zeros(crops, labels).bool())
    (gradient,) = torch.autograd.grad(loss, x)
    assert loss.item() == 0.0
    assert gradient.count_nonzero() == 0


def test_large_logits_stay_finite(dtype):
    x = torch.tensor([[1e4, -1e4, 0.0, 0.0]], dtype=dtype, requires_grad=True)
    loss = multi_label_softmax_loss(x, torch.tensor([[False, True, False, False]]))
    (gradient,) = torch.autograd.grad(loss, x)
    assert loss.item() == pytest.approx(2e4)
    assert gradient.isfinite().all()


def test_labels_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"the logits' shape \[2, 3\], got \[2, 1\]"):
        multi_label_softmax_loss(torch.ones(2, 3), torch.ones(2, 1).bool())
