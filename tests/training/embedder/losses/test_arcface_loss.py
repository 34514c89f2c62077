import math

import pytest
import torch
from pytorch_metric_learning.losses import ArcFaceLoss

from training.embedder.losses.arcface_loss import arcface_loss


def loop(embeddings, centres, is_class, *, margin, scale):
    """GrokNet, section 3.3.2, one crop, class and term at a time."""
    per_crop = []
    for x, row in zip(embeddings, is_class.tolist(), strict=True):
        labelled = [j for j, yes in enumerate(row) if yes]
        if not labelled:
            continue
        angles = [torch.acos((x @ w) / (x.square().sum().sqrt() * w.square().sum().sqrt())) for w in centres]
        with_margin = {j: torch.exp(scale * torch.cos(margin + angles[j])) for j in labelled}
        without = [torch.exp(scale * torch.cos(angles[k])) for k in range(len(centres)) if k not in labelled]
        denominator = sum(with_margin.values()) + sum(without)
        per_crop.append(-sum(torch.log(with_margin[j] / denominator) for j in labelled) / len(labelled))
    return sum(per_crop) / len(per_crop)


def points(*shape, seed, dtype):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


IS_CLASS = torch.tensor(
    [
        [1, 0, 0, 0, 0],
        [0, 1, 1, 0, 1],
        [0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1],  # nothing without the margin in the denominator
        [0, 0, 0, 1, 0],
        [0, 0, 1, 1, 0],
    ]
).bool()


@pytest.mark.parametrize(("margin", "scale"), [(0.5, 16.0), (0.0, 1.0), (1.2, 64.0)])
def test_it_equals_the_papers_equation_for_several_labels(dtype, margin, scale, assert_equals_loop):
    embeddings, centres = points(6, 7, seed=1, dtype=dtype), points(5, 7, seed=2, dtype=dtype)
    assert_equals_loop(
        lambda x, w: arcface_loss(x, w, IS_CLASS, margin=margin, scale=scale),
        lambda x, w: loop(x, w, IS_CLASS, margin=margin, scale=scale),
        embeddings,
        centres,
    )


def test_it_equals_the_papers_equation_for_one_label(dtype, assert_equals_loop):
    is_class = torch.eye(5).bool()[[0, 3, 3, 1]]
    assert_equals_loop(
        lambda x, w: arcface_loss(x, w, is_class, margin=0.5, scale=20.0),
        lambda x, w: loop(x, w, is_class, margin=0.5, scale=20.0),
        points(4, 9, seed=3, dtype=dtype),
        points(5, 9, seed=4, dtype=dtype),
    )


def test_a_crop_opposite_to_its_class_follows_the_equation_too(dtype):
    """Where theta + margin is beyond pi."""
    embeddings, centres = torch.tensor([[-1.0, 0.1]], dtype=dtype), torch.eye(2, dtype=dtype)
    is_class = torch.tensor([[True, False]])
    expected = loop(embeddings.double(), centres.double(), is_class, margin=0.5, scale=8.0)
    ours = arcface_loss(embeddings, centres, is_class, margin=0.5, scale=8.0)
    torch.testing.assert_close(ours.double(), expected, rtol=1e-5, atol=0)


def test_gradients_are_those_of_finite_differences():
    embeddings = points(6, 4, seed=5, dtype=torch.float64).requires_grad_()
    centres = points(5, 4, seed=6, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, w: arcface_loss(x, w, IS_CLASS, scale=4.0), (embeddings, centres))


def test_pytorch_metric_learning_agrees_for_one_label_and_angles_up_to_pi_minus_the_margin(dtype):
    embeddings = points(8, 6, seed=7, dtype=dtype)
    theirs = ArcFaceLoss(num_classes=5, embedding_size=6, margin=math.degrees(0.5), scale=16)
    theirs.W.data = points(6, 5, seed=8, dtype=dtype)
    labels = torch.tensor([0, 1, 2, 3, 4, 0, 1, 2])
    ours = arcface_loss(embeddings, theirs.W.detach().T, torch.eye(5).bool()[labels], margin=0.5, scale=16.0)
    torch.testing.assert_close(ours, theirs(embeddings, labels).detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_crop_at_or_opposite_to_its_class_centre_has_a_finite_gradient(dtype, sign):
    centres = points(3, 8, seed=9, dtype=dtype).requires_grad_()
    embeddings = (sign * centres.detach()).clone().requires_grad_()
    loss = arcface_loss(embeddings, centres, torch.eye(3).bool(), margin=0.5, scale=64.0)
    gradients = torch.autograd.grad(loss, (embeddings, centres))
    assert torch.isfinite(loss)
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert all(gradient.abs().max() < 1e3 for gradient in gradients)


def test_at_its_class_centre_a_crop_has_the_equations_value(dtype):
    loss = arcface_loss(
        torch.eye(2, dtype=dtype), torch.eye(2, dtype=dtype), torch.eye(2).bool(), margin=0.5, scale=2.0
    )
    at_centre = math.exp(2.0 * math.cos(0.5))
    assert loss.item() == pytest.approx(-math.log(at_centre / (at_centre + 1.0)), rel=1e-6)


@pytest.mark.parametrize(("crops", "classes"), [(3, 4), (0, 4), (3, 0), (0, 0)])
def test_without_any_class_the_loss_is_0_and_so_is_its_gradient(crops, classes, dtype):
    embeddings = points(crops, 5, seed=1, dtype=dtype).requires_grad_()
    centres = points(classes, 5, seed=2, dtype=dtype).requires_grad_()
    loss = arcface_loss(embeddings, centres, torch.zeros(crops, classes).bool())
    assert loss.item() == 0.0
    assert all(gradient.count_nonzero() == 0 for gradient in torch.autograd.grad(loss, (embeddings, centres)))


def test_crops_without_a_class_change_nothing(dtype):
    embeddings, centres = points(6, 7, seed=1, dtype=dtype), points(5, 7, seed=2, dtype=dtype)
    labelled = IS_CLASS.any(dim=1)
    assert torch.equal(
        arcface_loss(embeddings, centres, IS_CLASS), arcface_loss(embeddings[labelled], centres, IS_CLASS[labelled])
    )


def test_one_crop_and_one_class(dtype):
    loss = arcface_loss(torch.ones(1, 3, dtype=dtype), torch.ones(1, 3, dtype=dtype), torch.ones(1, 1).bool())
    assert loss.item() == 0.0  # its class is all there is


def test_classes_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"is_class must be \[N, C\] = \[2, 3\], got \[2, 1\]"):
        arcface_loss(torch.ones(2, 4), torch.ones(3, 4), torch.ones(2, 1).bool())
