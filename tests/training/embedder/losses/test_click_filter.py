import pytest
import torch
from torch.nn import functional as F

from training.embedder.losses.click_filter import click_negatives, click_positives, fused_distances


def test_a_negative_is_far_from_the_query_and_from_all_that_was_clicked(dtype):
    generator = torch.Generator().manual_seed(0)
    to_query = torch.rand(30, generator=generator, dtype=torch.float64).to(dtype)
    to_clicked = torch.rand(30, 3, generator=generator, dtype=torch.float64).to(dtype)
    # Pailitao, equation 2.
    expected = [
        min([float(to_query[k]), *(float(to_clicked[k, c]) for c in range(3))]) >= 0.3 for k in range(len(to_query))
    ]
    assert click_negatives(to_query, to_clicked, min_distance=0.3).tolist() == expected
    assert any(expected)
    assert not all(expected)


def test_at_exactly_gamma_an_image_is_a_negative():
    assert click_negatives(torch.tensor([0.5]), torch.tensor([[0.5]]), min_distance=0.5).tolist() == [True]


def test_without_a_click_only_the_query_decides():
    kept = click_negatives(torch.tensor([0.2, 0.6]), torch.zeros(2, 0), min_distance=0.5)
    assert kept.tolist() == [False, True]


def test_of_no_images_none_is_kept():
    assert click_negatives(torch.zeros(0), torch.zeros(0, 2), min_distance=0.5).tolist() == []
    assert click_positives(torch.zeros(0), max_distance=0.5).tolist() == []


def test_a_clicked_image_up_to_epsilon_from_the_query_is_a_positive():
    assert click_positives(torch.tensor([0.1, 0.5, 0.6]), max_distance=0.5).tolist() == [True, True, False]


def test_distances_are_fused_as_a_weighted_mean(dtype):
    generator = torch.Generator().manual_seed(1)
    rows = [torch.randn(4, dims, generator=generator, dtype=torch.float64).to(dtype) for dims in (3, 8)]
    columns = [torch.randn(2, dims, generator=generator, dtype=torch.float64).to(dtype) for dims in (3, 8)]
    fused = fused_distances(rows, columns, weights=[3.0, 1.0])
    for k in range(4):
        for c in range(2):
            a, b = ((F.normalize(rows[f][k], dim=0) - F.normalize(columns[f][c], dim=0)).norm() for f in range(2))
            assert float(fused[k, c]) == pytest.approx(float(0.75 * a + 0.25 * b), rel=1e-5)


def test_kinds_of_features_must_be_on_both_sides():
    with pytest.raises(ValueError, match="one entry per kind of features, got 1, 2 and 1"):
        fused_distances([torch.ones(1, 2)], [torch.ones(1, 2)] * 2)
    with pytest.raises(ValueError, match="one above 0"):
        fused_distances([torch.ones(1, 2)], [torch.ones(1, 2)], weights=[0.0])
