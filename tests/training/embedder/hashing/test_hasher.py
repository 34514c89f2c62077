import pytest
import torch

from training.embedder.hashing.catalyzer import Catalyzer
from training.embedder.hashing.errors import HasherFileError
from training.embedder.hashing.hasher import Hasher, load_hasher, save_hasher, weights_sha256
from training.embedder.hashing.sign_binarisation import SignBinarisation

EMBEDDINGS = torch.randn(20, 40, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", ["sign", "catalyzer"])
def test_a_hasher_comes_back_as_it_was(tmp_path, kind):
    hasher: Hasher = SignBinarisation.centred(EMBEDDINGS, bits=16)
    if kind == "catalyzer":
        hasher = Catalyzer.starting_at(SignBinarisation.centred(EMBEDDINGS, bits=16), hidden=8)
        torch.nn.init.normal_(hasher.project.weight)

    save_hasher(tmp_path, hasher, embedder_sha256="abc", facts={"seed": 0})

    loaded = load_hasher(tmp_path, dims=40, embedder_sha256="abc")
    assert type(loaded) is type(hasher)
    assert not loaded.training
    assert torch.equal(loaded(EMBEDDINGS), hasher(EMBEDDINGS))
    assert [path.name for path in tmp_path.iterdir()] == ["hasher.pt"]


def test_a_run_without_a_hasher_has_fixed_signs(tmp_path):
    hasher = load_hasher(tmp_path, dims=40)

    assert isinstance(hasher, SignBinarisation)
    assert torch.equal(hasher(EMBEDDINGS), SignBinarisation.fixed(40)(EMBEDDINGS))
    assert hasher(EMBEDDINGS).shape == (20, 256)


def test_a_hasher_of_other_weights_or_dimensions_or_a_torn_file_is_refused(tmp_path):
    path = save_hasher(tmp_path, SignBinarisation.fixed(40, bits=16), embedder_sha256="abc", facts={})
    with pytest.raises(HasherFileError, match="before the embedder was trained further: run python -m training"):
        load_hasher(tmp_path, dims=40, embedder_sha256="def")
    with pytest.raises(HasherFileError, match="embeddings of 40 dimensions, the embedder's have 400"):
        load_hasher(tmp_path)

    path.write_bytes(path.read_bytes()[:300])

    with pytest.raises(HasherFileError, match="holds no hasher"):
        load_hasher(tmp_path, dims=40)


def test_the_hash_of_weights_tells_any_change():
    module = torch.nn.Linear(3, 2)
    before = weights_sha256(module)
    assert before == weights_sha256(module)
    with torch.no_grad():
        module.bias[1] += 1e-6

    assert weights_sha256(module) != before
