"""Triplets without clicks against a loop over queries."""

import pytest
import torch

from training.embedder.engine.product_triplets import product_triplet_loss


def loop_loss(embeddings, products, places, margin):
    """Each crop against the next of its product, around the batch, and against all crops of other products."""
    rows = torch.nn.functional.normalize(embeddings)
    order = sorted(range(len(rows)), key=lambda k: places[k])
    of_queries = []
    for k in range(len(rows)):
        behind = [j for j in order if places[j] > places[k]] + [j for j in order if places[j] < places[k]]
        same = [j for j in behind if products[j] == products[k] >= 0]
        if not same:
            continue
        near = (rows[k] - rows[same[0]]).norm()
        far = [(rows[k] - rows[j]).norm() for j in range(len(rows)) if products[j] >= 0 and products[j] != products[k]]
        violations = [near - d + margin for d in far if near - d + margin > 0]
        if violations:
            of_queries.append(sum(violations) / len(violations))
    return sum(of_queries) / len(of_queries) if of_queries else torch.tensor(0.0, dtype=embeddings.dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("products", [[0, 0, 1, 1, -1, 0], [0, 1, 2, 3, 4, 5], [-1] * 6, [2, 2, 2, 2, 2, 2]])
def test_equals_the_loop(products, dtype):
    embeddings = torch.randn(6, 4, dtype=dtype, generator=torch.Generator().manual_seed(0), requires_grad=True)
    places = torch.tensor([3, 0, 5, 1, 2, 4])
    ours = product_triplet_loss(embeddings, torch.tensor(products), places, margin=0.5)
    expected = loop_loss(embeddings, products, places.tolist(), 0.5)
    torch.testing.assert_close(ours, expected)
    ours.backward()
    assert embeddings.grad is not None
    assert torch.isfinite(embeddings.grad).all()


def test_no_crop_at_all_is_no_loss():
    loss = product_triplet_loss(
        torch.zeros(0, 4, requires_grad=True), torch.zeros(0).long(), torch.zeros(0).long(), margin=0.5
    )
    assert loss.item() == 0.0
