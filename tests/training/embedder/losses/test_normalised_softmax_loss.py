import math

import pytest
import torch
from pytorch_metric_learning.losses import NormalizedSoftmaxLoss

from training.embedder.losses.normalised_softmax_loss import normalised_softmax_loss, sample_classes

CLASSES = torch.tensor([3, 0, -1, 3, 7])


def loop(embeddings, centres, class_ids, *, temperature, sampled):
    """Zhai and Wu: a softmax over cosines to the sampled classes' proxies, sharpened by a temperature."""
    per_crop = []
    for x, y in zip(embeddings, class_ids.tolist(), strict=True):
        if y < 0:
            continue
        cosines = {j: (x / x.norm()) @ (centres[j] / centres[j].norm()) for j in sampled}
        denominator = sum(torch.exp(cosine / temperature) for cosine in cosines.values())
        per_crop.append(-torch.log(torch.exp(cosines[y] / temperature) / denominator))
    return sum(per_crop) / len(per_crop)


def points(*shape, seed, dtype):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("sampled", [None, [0, 2, 3, 7], [7, 3, 0], list(range(8))])
@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_it_equals_the_papers_definition(dtype, sampled, temperature, assert_equals_loop):
    subset = None if sampled is None else torch.tensor(sampled)
    assert_equals_loop(
        lambda x, w: normalised_softmax_loss(x, w, CLASSES, temperature=temperature, sampled_classes=subset),
        lambda x, w: loop(x, w, CLASSES, temperature=temperature, sampled=sampled or range(8)),
        points(5, 6, seed=1, dtype=dtype),
        points(8, 6, seed=2, dtype=dtype),
    )


def test_gradients_are_those_of_finite_differences():
    x, w = (points(n, 4, seed=n, dtype=torch.float64).requires_grad_() for n in (5, 8))
    sampled = torch.tensor([0, 3, 5, 7])
    assert torch.autograd.gradcheck(
        lambda x, w: normalised_softmax_loss(x, w, CLASSES, temperature=0.5, sampled_classes=sampled), (x, w)
    )


def test_pytorch_metric_learning_agrees_over_all_classes(dtype):
    theirs = NormalizedSoftmaxLoss(num_classes=8, embedding_size=6, temperature=0.05)
    theirs.W.data = points(6, 8, seed=4, dtype=dtype)
    x, labels = points(5, 6, seed=5, dtype=dtype), torch.tensor([0, 7, 7, 1, 4])
    ours = normalised_softmax_loss(x, theirs.W.detach().T, labels)
    torch.testing.assert_close(ours, theirs(x, labels).detach(), rtol=1e-5, atol=1e-6)


def test_classes_that_are_not_sampled_learn_nothing(dtype):
    x, w = points(5, 6, seed=1, dtype=dtype), points(8, 6, seed=2, dtype=dtype).requires_grad_()
    (gradient,) = torch.autograd.grad(
        normalised_softmax_loss(x, w, CLASSES, sampled_classes=torch.tensor([0, 3, 7])), w
    )
    assert gradient.any(dim=1).nonzero().flatten().tolist() == [0, 3, 7]


def test_a_class_of_the_batch_that_was_not_sampled_is_named():
    with pytest.raises(ValueError, match="class 7 is in the batch but not sampled"):
        normalised_softmax_loss(torch.ones(5, 2), torch.ones(8, 2), CLASSES, sampled_classes=torch.tensor([0, 3]))


def test_a_class_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="below the 4 classes, got 7"):
        normalised_softmax_loss(torch.ones(5, 2), torch.ones(4, 2), CLASSES)


@pytest.mark.parametrize(("crops", "classes"), [(2, 3), (0, 3), (2, 0), (0, 0)])
def test_without_any_class_the_loss_is_0_and_so_is_its_gradient(crops, classes, dtype):
    x, w = (points(n, 4, seed=n, dtype=dtype).requires_grad_() for n in (crops, classes))
    loss = normalised_softmax_loss(x, w, torch.full((crops,), -1))
    assert loss.item() == 0.0
    assert all(gradient.count_nonzero() == 0 for gradient in torch.autograd.grad(loss, (x, w)))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_crop_at_or_opposite_to_its_class_centre_has_a_finite_gradient(dtype, sign):
    w = points(3, 4, seed=1, dtype=dtype).requires_grad_()
    x = (sign * w.detach()).clone().requires_grad_()
    gradients = torch.autograd.grad(normalised_softmax_loss(x, w, torch.arange(3)), (x, w))
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_a_sample_has_the_batchs_classes_and_as_many_others_as_asked():
    sampled = sample_classes(CLASSES, num_classes=20, count=6, generator=torch.Generator().manual_seed(0))
    assert len(sampled) == 6
    assert {0, 3, 7} <= set(sampled.tolist())
    assert sampled.tolist() == sorted(set(sampled.tolist()))
    assert 0 <= int(sampled.min()) <= int(sampled.max()) < 20


def test_a_sample_never_drops_a_class_of_the_batch():
    assert sample_classes(CLASSES, num_classes=20, count=1).tolist() == [0, 3, 7]


def test_a_sample_of_more_than_there_are_is_all():
    assert sample_classes(CLASSES, num_classes=9, count=50).tolist() == list(range(9))


def test_the_others_are_drawn_evenly_and_anew():
    generator = torch.Generator().manual_seed(0)
    counts = torch.zeros(20)
    for _ in range(400):
        counts[sample_classes(CLASSES, num_classes=20, count=8, generator=generator)] += 1
    others = [k for k in range(20) if k not in (0, 3, 7)]
    expected = 400 * 5 / 17
    assert all(abs(float(counts[k]) - expected) < 5 * math.sqrt(expected) for k in others)
    assert all(float(counts[k]) == 400 for k in (0, 3, 7))


def test_a_generator_in_the_same_state_gives_the_same_sample():
    first, second = (
        sample_classes(CLASSES, num_classes=100, count=10, generator=torch.Generator().manual_seed(3)) for _ in range(2)
    )
    assert torch.equal(first, second)
