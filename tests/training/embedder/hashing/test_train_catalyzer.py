import numpy as np
import pytest
import torch
from torch.nn import functional

from training.embedder.hashing.catalyzer import Catalyzer
from training.embedder.hashing.errors import HashingError, TooFewEmbeddings
from training.embedder.hashing.hamming import hamming_distances
from training.embedder.hashing.hash_quality import hashes_of, measure_hashers, queries_and_gallery
from training.embedder.hashing.neighbours import nearest_others
from training.embedder.hashing.sign_binarisation import SignBinarisation
from training.embedder.hashing.train_catalyzer import CatalyzerOptions, straight_through_bits, train_catalyzer

SMALL = {"bits": 32, "hidden": 32, "epochs": 8, "batch": 64}


def clusters(*, count=240, products=12, dims=48, seed=0):
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(products, dims, generator=generator)
    product = torch.arange(count) % products
    embeddings = functional.normalize(centres[product] + 0.6 * torch.randn(count, dims, generator=generator), dim=1)
    return embeddings, product


def test_neighbours_are_those_of_a_full_sort_without_the_vector_itself():
    embeddings, _ = clusters(count=50)

    found = nearest_others(embeddings, 4)

    for i in range(50):
        order = sorted((j for j in range(50) if j != i), key=lambda j: float(-(embeddings[i] @ embeddings[j])))
        assert found[i].tolist() == order[:4]


def test_a_new_catalyzer_gives_the_bits_that_it_starts_at():
    embeddings, _ = clusters()
    start = SignBinarisation.turned(embeddings, bits=32)

    catalyzer = Catalyzer.starting_at(start, hidden=16)

    assert torch.equal(catalyzer(embeddings) > 0, start(embeddings) > 0)
    torch.testing.assert_close(catalyzer(embeddings).norm(dim=1), torch.ones(len(embeddings)))


def test_straight_through_bits_are_signs_whose_gradient_is_that_of_the_codes():
    codes = functional.normalize(torch.randn(5, 16, generator=torch.Generator().manual_seed(0)), dim=1).requires_grad_()
    weights = torch.randn(5, 16, generator=torch.Generator().manual_seed(1))

    bits = straight_through_bits(codes)
    (bits * weights).sum().backward()

    torch.testing.assert_close(bits, torch.where(codes > 0, 0.25, -0.25))
    torch.testing.assert_close(codes.grad, weights)


def test_training_lowers_the_loss_and_is_the_same_every_time():
    embeddings, _ = clusters()
    losses: list[float] = []

    first = train_catalyzer(embeddings, CatalyzerOptions(**SMALL), on_epoch=lambda epoch, loss: losses.append(loss))
    second = train_catalyzer(embeddings, CatalyzerOptions(**SMALL))

    assert len(losses) == 8
    assert losses[-1] < losses[0]
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_bits_find_products_about_as_well_as_floats_do():
    embeddings, _ = clusters(seed=1)
    unseen, unseen_product = clusters(count=360, products=12, seed=1)
    catalyzer = train_catalyzer(embeddings, CatalyzerOptions(**{**SMALL, "bits": 48}))
    names = [frozenset([str(int(p))]) for p in unseen_product]
    arranged = queries_and_gallery("clusters", unseen.numpy(), names, [i // 12 % 3 == 0 for i in range(360)])

    quality = measure_hashers(arranged, {"catalyzer": catalyzer})

    print(quality.precision_at_1)
    assert quality.num_queries == 120
    assert quality.precision_at_1["catalyzer"] >= quality.precision_at_1["float"] - 0.1
    histogram = quality.histograms["catalyzer"]
    assert histogram is not None
    assert histogram.chance_of_order > 0.9


def test_queries_without_a_gallery_are_looked_up_among_each_other_but_never_find_themselves():
    embeddings, product = clusters(count=24)
    names = [frozenset([str(int(p))]) for p in product]

    arranged = queries_and_gallery("all", embeddings.numpy(), names, [True] * 24)

    assert arranged.is_in_gallery is not None
    assert not arranged.is_in_gallery.diagonal().any()
    assert arranged.is_right.sum() == 24 * 2  # two of each product, itself included


def test_hashes_are_the_packed_signs_of_codes():
    embeddings, _ = clusters(count=10)
    start = SignBinarisation.fixed(48, bits=256)

    hashes = hashes_of(start, embeddings.numpy())

    assert hashes.shape == (10, 32)
    np.testing.assert_array_equal(hashes, np.packbits(start(embeddings).numpy() > 0, axis=1))
    assert hamming_distances(hashes, hashes).diagonal().tolist() == [0] * 10


@pytest.mark.parametrize("embeddings", [torch.zeros(0, 48), torch.ones(1, 48), torch.ones(40, 48)])
def test_too_few_or_equal_embeddings_are_refused(embeddings):
    with pytest.raises(TooFewEmbeddings, match="at least 3 different embeddings"):
        train_catalyzer(embeddings, CatalyzerOptions(**SMALL))


def test_three_embeddings_are_enough():
    catalyzer = train_catalyzer(torch.eye(3, 48), CatalyzerOptions(**SMALL))

    assert torch.isfinite(catalyzer(torch.eye(3, 48))).all()


@pytest.mark.parametrize(
    ("option", "message"),
    [({"epochs": 0}, "epochs"), ({"batch": 1}, "batch"), ({"entropy_weight": -1.0}, "entropy_weight")],
)
def test_options_that_mean_nothing_are_refused(option, message):
    with pytest.raises(HashingError, match=message):
        CatalyzerOptions(**option)
