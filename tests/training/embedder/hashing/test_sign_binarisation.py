import pytest
import torch
from torch.nn import functional

from training.embedder.hashing.sign_binarisation import SignBinarisation, fixed_directions


def test_fixed_directions_are_orthonormal_and_the_same_every_time():
    directions = fixed_directions(400, 256, seed=0)

    torch.testing.assert_close(directions @ directions.T, torch.eye(256), atol=1e-5, rtol=0)
    assert torch.equal(directions, fixed_directions(400, 256, seed=0))


def test_more_bits_than_dimensions_are_several_rotations():
    directions = fixed_directions(100, 256, seed=0)

    assert directions.shape == (256, 100)
    torch.testing.assert_close(directions[:100] @ directions[:100].T, torch.eye(100), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["centred", "turned"])
def test_bits_are_set_about_as_often_as_not_though_embeddings_share_a_direction(kind):
    generator = torch.Generator().manual_seed(0)
    embeddings = functional.normalize(2 + torch.randn(500, 64, generator=generator), dim=1)

    fixed = (SignBinarisation.fixed(64, bits=32)(embeddings) > 0).float().mean(dim=0)
    own = (getattr(SignBinarisation, kind)(embeddings, bits=32)(embeddings) > 0).float().mean(dim=0)

    assert (own - 0.5).abs().mean() < 0.1 < (fixed - 0.5).abs().mean()


def test_turned_directions_span_the_widest_principal_ones_evenly_and_lead_nearer_to_the_corners():
    generator = torch.Generator().manual_seed(1)
    embeddings = torch.randn(300, 24, generator=generator) * torch.linspace(3, 0.1, 24)

    turned = SignBinarisation.turned(embeddings, bits=16)

    centred = embeddings - embeddings.mean(dim=0)
    _, _, principal = torch.linalg.svd(centred, full_matrices=False)
    torch.testing.assert_close(
        turned.directions.T @ turned.directions, principal[:8].T @ principal[:8], atol=1e-4, rtol=0
    )

    def angle_to_corners(codes):
        return float(functional.cosine_similarity(codes, torch.where(codes > 0, 1.0, -1.0), dim=1).mean())

    by_chance = centred @ (fixed_directions(16, 16, seed=0)[:, :8] @ principal[:8]).T
    assert angle_to_corners(turned(embeddings)) > angle_to_corners(by_chance) + 0.02


def test_fewer_dimensions_than_bits_are_turned_too():
    embeddings = torch.randn(30, 6, generator=torch.Generator().manual_seed(2))

    turned = SignBinarisation.turned(embeddings, bits=16)

    assert turned(embeddings).shape == (30, 16)
    torch.testing.assert_close(turned.directions.T @ turned.directions, torch.eye(6), atol=1e-5, rtol=0)
